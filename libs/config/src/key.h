// One key of config.yaml: where its value goes, what it may be, what it means. The tables in keys_*.cpp are lists of
// these, and everything that reads or prints settings walks them.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sluice/config/read_settings.h"
#include "sluice/config/settings.h"

namespace sluice::config {

/// One of several words; an enum without its type. Ordinals are the enumerators' values.
struct Choice {
  std::vector<std::string_view> names;
  std::vector<std::string_view> later;  ///< words that a coming version will know
  std::function<std::optional<std::size_t>()> get;
  std::function<void(std::size_t)> set;
};

template <class Enum>
Choice choice(Enum& target, std::vector<std::string_view> names, std::vector<std::string_view> later = {}) {
  return {std::move(names), std::move(later), [&target] { return std::optional(static_cast<std::size_t>(target)); },
          [&target](std::size_t ordinal) { target = static_cast<Enum>(ordinal); }};
}

template <class Enum>
Choice choice(std::optional<Enum>& target, std::vector<std::string_view> names,
              std::vector<std::string_view> later = {}) {
  return {std::move(names), std::move(later),
          [&target] { return target ? std::optional(static_cast<std::size_t>(*target)) : std::nullopt; },
          [&target](std::size_t ordinal) { target = static_cast<Enum>(ordinal); }};
}

inline Choice on_off(Switch& target) { return choice(target, {"off", "on"}); }

using Strings = std::vector<std::string>;
using Tables = std::vector<TableName>;
using Properties = std::map<std::string, std::string>;
using Field =
    std::variant<std::string*, std::optional<std::string>*, Secret*, std::uint32_t*, std::optional<std::uint32_t>*,
                 double*, Milliseconds*, Size*, Strings*, Tables*, Properties*, Choice>;

/// Why a value will not do.
struct Complaint {
  std::string_view id;
  std::string text;
};
using Verdict = std::optional<Complaint>;  ///< nothing: it will do
using Check = Verdict (*)(std::string_view text);
using PropertyCheck = Verdict (*)(std::string_view name);

enum class Need { None, Replicator, EsConsumer, Both };

struct Key {
  std::string_view name;
  Field field;
  std::uint64_t min = 0;  ///< of numbers, in their own unit: pieces, milliseconds, bytes
  std::uint64_t max = std::numeric_limits<std::uint64_t>::max();
  Check check = nullptr;  ///< of texts, and of each element of a list
  PropertyCheck check_property = nullptr;
  Need need = Need::None;
  std::string_view known_as = {};  ///< what others call it, for whoever comes from there
  std::string_view example = {};   ///< of a key without a default
  std::string_view doc = {};       ///< what it is, and why the default is what it is
};

inline std::vector<Key> joined(std::initializer_list<std::vector<Key>> groups) {
  std::vector<Key> keys;
  for (const std::vector<Key>& group : groups) keys.insert(keys.end(), group.begin(), group.end());
  return keys;
}

struct Section {
  std::string_view name;  ///< empty: the keys at the top
  Need read_by = Need::Both;
  std::string_view doc;
  std::vector<Key> keys;
};

inline bool concerns(Need need, App app) {
  return need == Need::Both || need == (app == App::Replicator ? Need::Replicator : Need::EsConsumer);
}

inline std::string path_of(const Section& section, const Key& key) {
  return section.name.empty() ? std::string(key.name) : std::string(section.name) + "." + std::string(key.name);
}

/// A secret and the key that names a file with it.
struct SecretPair {
  std::string_view path;  ///< of the secret; `_file` behind it is the other key
  Secret* value;
  const std::optional<std::string>* file;
  Need read_by;
};

Section general_keys(Settings& settings);
Section postgres_keys(PostgresSettings& settings);
Section kafka_keys(KafkaSettings& settings);
Section elasticsearch_keys(ElasticsearchSettings& settings);
Section dead_letter_keys(DeadLetterSettings& settings);
Section retry_keys(RetrySettings& settings);
Section log_keys(LogSettings& settings);
Section admin_keys(AdminSettings& settings);

/// All of them, bound to `settings`, which must outlive them.
std::vector<Section> all_keys(Settings& settings);
std::vector<SecretPair> secret_pairs(Settings& settings);

}  // namespace sluice::config
