// A search engine in memory with the versions of the real one (E-1, 3.2): `create` refuses what is there, `external`
// what is as new, `external_gte` what is newer. It outlives the sinks and admins that use it, as a server outlives its
// clients.
//
// Thread rule: one thread, or the caller's lock.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "sluice/pipeline/document_sink.h"

namespace sluice::testing {

struct StoredDocument {
  std::uint64_t version = 1;
  std::string body;
};

class MemorySearchEngine {
 public:
  using Index = std::map<std::string, StoredDocument, std::less<>>;

  void create_index(std::string_view index) { indices_.try_emplace(std::string(index)); }
  void delete_index(std::string_view index) { indices_.erase(std::string(index)); }
  bool has_index(std::string_view index) const { return indices_.contains(index); }

  /// What one bulk item is answered, as a status and an error type. A missing index is 404, a body that is no JSON
  /// object 400.
  struct Answer {
    int status = 201;
    std::string error_type;
  };
  Answer write(const pipeline::Document& document);

  /// Soft-deletes as E-9 says; returns how many.
  std::size_t sweep(const pipeline::Sweep& sweep);

  /// Ids that a sweep would soft-delete, `max` of them.
  std::vector<std::string> swept_ids(const pipeline::Sweep& sweep, std::size_t max) const;

  /// Null: no such index or document.
  const StoredDocument* find(std::string_view index, std::string_view id) const;
  /// REQUIRES: has_index().
  const Index& documents(std::string_view index) const { return indices_.find(index)->second; }
  /// Of a mirror: those that are not soft-deleted.
  std::size_t visible(std::string_view index) const;

  std::uint64_t writes() const { return writes_; }              ///< that changed something
  std::map<std::string, std::string, std::less<>> aliases;      ///< alias → index
  std::map<std::string, std::string, std::less<>> bookkeeping;  ///< id → JSON

 private:
  std::map<std::string, Index, std::less<>> indices_;
  std::uint64_t writes_ = 0;
};

}  // namespace sluice::testing
