// Names of indices and aliases, and the guard that no two things meet in one.
//
// Rule: `<prefix><schema>_<table>`, where ASCII capitals are lower-cased and every byte that Elasticsearch does not
// allow in the name of an index (\ / * ? " < > | , # : blank, control characters), every byte outside ASCII (whose
// capitals would have to be lower-cased too) and `~` itself becomes `~` and two hexadecimal digits. A `-`, `_`, `+` or
// `.` at the very begin is written so as well. Prefixes are taken as they are; config checks them.
//
// Source: Elasticsearch's create-index API, path parameters.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sluice/base/error.h"

namespace sluice::documents {

class IndexNames {
 public:
  IndexNames(std::string journal_prefix, std::string mirror_prefix)
      : journal_prefix_(std::move(journal_prefix)), mirror_prefix_(std::move(mirror_prefix)) {}

  /// The journal's index; claims the name. Errors of all three (Stop): es.index_collision, es.index_name_too_long.
  base::Result<std::string> journal(std::string_view schema, std::string_view table);
  /// The alias of a mirror.
  base::Result<std::string> mirror(std::string_view schema, std::string_view table);
  /// The index behind it in one epoch: `<alias>-g<epoch>`.
  base::Result<std::string> generation(std::string_view alias, std::uint32_t epoch);

 private:
  base::Result<std::string> claim(std::string name, std::string owner);

  std::string journal_prefix_;
  std::string mirror_prefix_;
  std::map<std::string, std::string, std::less<>> owners_;  ///< name → what it is for
};

/// The rule above for one part of a name.
std::string index_part(std::string_view text);

/// The epoch of a generation of this alias; nothing: the index is not one.
std::optional<std::uint32_t> epoch_of_generation(std::string_view alias, std::string_view index);

}  // namespace sluice::documents
