#include "values.h"

#include <fmt/core.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <type_traits>

#include "sluice/base/utf8.h"

namespace sluice::config {
namespace {

constexpr auto kNoBound = std::numeric_limits<std::uint64_t>::max();

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};
// The largest first, as they are printed.
constexpr std::array kDurationUnits = {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1'000},
                                       Unit{"ms", 1}};
constexpr std::array kSizeUnits = {Unit{"gb", 1ULL << 30}, Unit{"mb", 1ULL << 20}, Unit{"kb", 1ULL << 10}};

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char byte) { return static_cast<char>(std::tolower(byte)); });
  return out;
}

bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

/// Takes digits off the front; nothing: there are none, or too many.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

std::string_view take_word(std::string_view& text) {
  const auto end = std::find_if(text.begin(), text.end(), is_digit);
  const std::string_view word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
  text.remove_prefix(word.size());
  return word;
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// One part of a table's name off the front, up to a dot or the end.
std::optional<std::string> take_name(std::string_view& text) {
  std::string name;
  if (!text.starts_with('"')) {
    const std::size_t end = std::min(text.find('.'), text.size());
    name = text.substr(0, end);
    text.remove_prefix(end);
    return name.empty() || name.find('"') != std::string::npos ? std::nullopt : std::optional(name);
  }
  text.remove_prefix(1);
  while (!text.empty()) {
    const char byte = text.front();
    text.remove_prefix(1);
    if (byte != '"') {
      name += byte;
    } else if (text.starts_with('"')) {
      name += '"';
      text.remove_prefix(1);
    } else {
      return name.empty() ? std::nullopt : std::optional(name);
    }
  }
  return std::nullopt;
}

std::string print_name(const std::string& name) {
  if (name.find_first_of(".\"") == std::string::npos) return name;
  std::string out = "\"";
  for (const char byte : name) out += byte == '"' ? std::string("\"\"") : std::string(1, byte);
  return out + "\"";
}

template <class Print>
std::string with_bounds(std::string_view type, const Key& key, Print print) {
  if (key.min == 0 && key.max == kNoBound) return std::string(type);
  if (key.max == kNoBound) return fmt::format("{}, at least {}", type, print(key.min));
  return fmt::format("{}, {} to {}", type, print(key.min), print(key.max));
}

template <class List, class Print>
std::string flow_list(const List& list, Print print) {
  std::string out = "[";
  for (const auto& element : list) out += (out.size() > 1 ? ", " : "") + print(element);
  return out + "]";
}

std::string print_properties(const Properties& properties) {
  std::string out = "{";
  for (const auto& [name, value] : properties) {
    const std::string shown = is_secret_property(name) ? std::string(Secret::kHidden) : value;
    out += fmt::format("{}{}: {}", out.size() > 1 ? ", " : "", name, print_text(shown));
  }
  return out + "}";
}

struct TypeName {
  const Key& key;
  std::string operator()(const Choice& choice) const { return fmt::format("{}", fmt::join(choice.names, " | ")); }
  std::string operator()(std::string*) const { return "text"; }
  std::string operator()(std::optional<std::string>*) const { return "text"; }
  std::string operator()(Secret*) const { return "secret"; }
  std::string operator()(std::uint32_t*) const { return with_bounds("number", key, plain); }
  std::string operator()(std::optional<std::uint32_t>*) const { return with_bounds("number", key, plain); }
  std::string operator()(double*) const { return with_bounds("real number", key, plain); }
  std::string operator()(Milliseconds*) const { return with_bounds("duration", key, print_duration); }
  std::string operator()(Size*) const { return with_bounds("size", key, print_size); }
  std::string operator()(Strings*) const { return "list"; }
  std::string operator()(Tables*) const { return "list of schema.table"; }
  std::string operator()(Properties*) const { return "map"; }
  static std::string plain(std::uint64_t number) { return std::to_string(number); }
};

struct PrintValue {
  using Printed = std::optional<std::string>;
  Printed operator()(const Choice& choice) const {
    const auto ordinal = choice.get();
    return ordinal ? Printed(choice.names.at(*ordinal)) : std::nullopt;
  }
  Printed operator()(const std::string* text) const { return text->empty() ? "\"\"" : print_text(*text); }
  Printed operator()(const std::optional<std::string>* text) const {
    return *text ? Printed(print_text(**text)) : std::nullopt;
  }
  Printed operator()(const Secret* secret) const {
    return secret->empty() ? std::nullopt : Printed(print_text(Secret::kHidden));
  }
  Printed operator()(const std::uint32_t* number) const { return std::to_string(*number); }
  Printed operator()(const std::optional<std::uint32_t>* number) const {
    return *number ? Printed(std::to_string(**number)) : std::nullopt;
  }
  Printed operator()(const double* number) const { return fmt::format("{}", *number); }
  Printed operator()(const Milliseconds* time) const {
    return print_duration(static_cast<std::uint64_t>(time->count()));
  }
  Printed operator()(const Size* size) const { return print_size(size->bytes); }
  Printed operator()(const Strings* list) const { return flow_list(*list, print_text); }
  Printed operator()(const Tables* list) const {
    return flow_list(*list, [](const TableName& table) { return print_text(print_table(table)); });
  }
  Printed operator()(const Properties* properties) const { return print_properties(*properties); }
};

}  // namespace

std::optional<std::uint64_t> parse_count(std::string_view text) {
  const auto number = take_number(text);
  return text.empty() ? number : std::nullopt;
}

std::optional<double> parse_real(std::string_view text) {
  double number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

std::optional<std::uint64_t> parse_duration_ms(std::string_view text) {
  if (text == "0") return 0;
  std::uint64_t total = 0;
  do {
    const auto number = take_number(text);
    const std::string unit = lower(take_word(text));
    const auto* found =
        std::find_if(kDurationUnits.begin(), kDurationUnits.end(), [&](const Unit& u) { return u.name == unit; });
    std::uint64_t part = 0;
    if (!number || found == kDurationUnits.end() || __builtin_mul_overflow(*number, found->factor, &part) ||
        __builtin_add_overflow(total, part, &total)) {
      return std::nullopt;
    }
  } while (!text.empty());
  return total;
}

std::optional<std::uint64_t> parse_size_bytes(std::string_view text) {
  const auto number = take_number(text);
  if (!number) return std::nullopt;
  const std::string unit = lower(trimmed(text));
  std::uint64_t factor = unit.empty() || unit == "b" ? 1 : 0;
  for (const Unit& known : kSizeUnits) {
    const bool iec = unit.size() == 3 && unit[0] == known.name[0] && unit.substr(1) == "ib";
    if (unit == known.name || unit == known.name.substr(0, 1) || iec) factor = known.factor;
  }
  std::uint64_t bytes = 0;
  if (factor == 0 || __builtin_mul_overflow(*number, factor, &bytes)) return std::nullopt;
  return bytes;
}

std::optional<TableName> parse_table(std::string_view text) {
  const auto schema = take_name(text);
  if (!schema || !text.starts_with('.')) return std::nullopt;
  text.remove_prefix(1);
  const auto table = take_name(text);
  if (!table || !text.empty()) return std::nullopt;
  return TableName{*schema, *table};
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> elements;
  if (trimmed(text).empty()) return elements;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    elements.emplace_back(trimmed(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return elements;
}

std::string print_duration(std::uint64_t milliseconds) {
  if (milliseconds == 0) return "0s";
  for (const Unit& unit : kDurationUnits) {
    if (milliseconds % unit.factor == 0) return fmt::format("{}{}", milliseconds / unit.factor, unit.name);
  }
  return {};
}

std::string print_size(std::uint64_t bytes) {
  for (const Unit& unit : kSizeUnits) {
    if (bytes != 0 && bytes % unit.factor == 0) return fmt::format("{}{}", bytes / unit.factor, unit.name);
  }
  return std::to_string(bytes);
}

std::string print_table(const TableName& table) { return print_name(table.schema) + "." + print_name(table.table); }

std::string print_text(std::string_view text) {
  constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
  const bool address = text.find(": ") == std::string_view::npos && !text.ends_with(':');
  const bool plain = !text.empty() && std::all_of(text.begin(), text.end(), [&](char byte) {
    return kPlain.find(byte) != std::string_view::npos || (byte == ':' && address);
  });
  const bool begins_well = !text.empty() && std::isalnum(static_cast<unsigned char>(text.front())) != 0;
  const std::string word = lower(text);
  const bool is_null = word == "null";
  if (plain && (begins_well || text.front() == '/' || text.starts_with("./")) && !is_null) return std::string(text);
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char byte = text[at];
    if (byte == '"' || byte == '\\') out += '\\';
    if (byte == '$' && text.substr(at, 2) == "${") out += '$';
    if (static_cast<unsigned char>(byte) < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    } else {
      out += byte;
    }
  }
  return out + "\"";
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMaxBytes = 60;
  std::string out = "`";
  while (!text.empty() && out.size() < kMaxBytes) {
    const std::size_t size = base::utf8_character_bytes(text);
    const auto byte = static_cast<unsigned char>(text.front());
    out +=
        size == 0 || byte < 0x20 || byte == 0x7f ? fmt::format("\\x{:02x}", byte) : std::string(text.substr(0, size));
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out + (text.empty() ? "`" : "…`");
}

std::string type_name(const Key& key) { return std::visit(TypeName{key}, key.field); }

std::optional<std::string> print_value(const Key& key) { return std::visit(PrintValue{}, key.field); }

bool is_missing(const Key& key) {
  if (key.need == Need::None) return false;
  const auto value = print_value(key);
  return !value || *value == "\"\"" || *value == "[]";
}

bool is_secret_property(std::string_view name) {
  for (const std::string_view word :
       {"password", "secret", "token", "passphrase", ".pem", "oauthbearer.config", "credential"}) {
    if (name.find(word) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace sluice::config
