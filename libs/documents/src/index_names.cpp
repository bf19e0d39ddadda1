#include "sluice/documents/index_names.h"

#include <fmt/core.h>

#include <charconv>
#include <utility>

namespace sluice::documents {
namespace {

constexpr std::size_t kMaxNameBytes = 255;
constexpr std::string_view kForbidden = "\\/*?\"<>|,#: ~";
constexpr std::string_view kNotInFront = "-_+.";
constexpr std::string_view kGenerationMark = "-g";

void append_escaped(char c, std::string& out) { out += fmt::format("~{:02x}", static_cast<unsigned char>(c)); }

std::string index_name(std::string_view prefix, std::string_view schema, std::string_view table) {
  std::string name(prefix);
  std::string_view rest = schema;
  if (name.empty() && !rest.empty() && kNotInFront.find(rest.front()) != std::string_view::npos) {
    append_escaped(rest.front(), name);
    rest.remove_prefix(1);
  }
  return name + index_part(rest) + "_" + index_part(table);
}

}  // namespace

std::string index_part(std::string_view text) {
  std::string part;
  part.reserve(text.size());
  for (const char c : text) {
    if (c >= 'A' && c <= 'Z') {
      part.push_back(static_cast<char>(c - 'A' + 'a'));
    } else if (c > ' ' && c < '\x7f' && kForbidden.find(c) == std::string_view::npos) {
      part.push_back(c);
    } else {
      append_escaped(c, part);
    }
  }
  return part;
}

std::optional<std::uint32_t> epoch_of_generation(std::string_view alias, std::string_view index) {
  if (!index.starts_with(alias) || !index.substr(alias.size()).starts_with(kGenerationMark)) return std::nullopt;
  const std::string_view digits = index.substr(alias.size() + kGenerationMark.size());
  std::uint32_t epoch = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), epoch);
  if (read.ec != std::errc{} || read.ptr != digits.data() + digits.size()) return std::nullopt;
  return epoch;
}

base::Result<std::string> IndexNames::journal(std::string_view schema, std::string_view table) {
  return claim(index_name(journal_prefix_, schema, table), fmt::format("the journal of {}.{}", schema, table));
}

base::Result<std::string> IndexNames::mirror(std::string_view schema, std::string_view table) {
  return claim(index_name(mirror_prefix_, schema, table), fmt::format("the mirror of {}.{}", schema, table));
}

base::Result<std::string> IndexNames::generation(std::string_view alias, std::uint32_t epoch) {
  return claim(fmt::format("{}{}{}", alias, kGenerationMark, epoch), fmt::format("generation {} of {}", epoch, alias));
}

base::Result<std::string> IndexNames::claim(std::string name, std::string owner) {
  if (name.size() > kMaxNameBytes) {
    return base::fail(base::Recovery::Stop, "es.index_name_too_long",
                      fmt::format("The name of the index for {} would have {} bytes, Elasticsearch takes 255. Shorten "
                                  "the prefix, or leave the table out of the publication",
                                  owner, name.size()));
  }
  const auto [entry, is_new] = owners_.try_emplace(name, owner);
  if (is_new || entry->second == owner) return name;
  return base::fail(base::Recovery::Stop, "es.index_collision",
                    fmt::format("The index name {} would stand for {} and for {}. Choose other prefixes "
                                "(elasticsearch.indexPrefix, mirrorPrefix), or rename one of the tables",
                                name, entry->second, owner));
}

}  // namespace sluice::documents
