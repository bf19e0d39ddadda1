// Port: the indices behind journal and mirror, their aliases, and the consumer's own bookkeeping in the search engine
// (rules E-10, E-11, K-15). Called rarely; each call blocks, bounded by the adapter's request time-out.
//
// Thread rule: the pipeline's thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::pipeline {

class IndexAdmin {
 public:
  virtual ~IndexAdmin() = default;

  /// Makes sure that the journal index exists with its explicit mapping. Idempotent.
  virtual base::Result<void> ensure_journal(std::string_view index) = 0;

  /// Makes sure that this hidden generation of a mirror exists; `properties` is the JSON object of its field mappings.
  /// Idempotent; a property that is missing in an existing index is added, one that conflicts is es.mapping_conflict
  /// (Stop).
  virtual base::Result<void> ensure_mirror(std::string_view index, std::string_view properties) = 0;

  /// Points `alias`, filtered to rows that are not deleted, at `index` alone, in one step.
  virtual base::Result<void> publish(std::string_view alias, std::string_view index) = 0;

  /// The concrete index behind the alias; nothing: there is no such alias.
  virtual base::Result<std::optional<std::string>> published(std::string_view alias) = 0;

  /// Makes everything written to the index so far visible to searches.
  virtual base::Result<void> refresh(std::string_view index) = 0;

  /// One document of the bookkeeping index `sluice-checkpoints`, as JSON text. load() reads in real time (get by id).
  virtual base::Result<void> store(std::string_view id, std::string_view json) = 0;
  virtual base::Result<std::optional<std::string>> load(std::string_view id) = 0;
};

}  // namespace sluice::pipeline
