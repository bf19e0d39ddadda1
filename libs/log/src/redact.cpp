#include "sluice/log/redact.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <iterator>
#include <mutex>
#include <set>
#include <vector>

namespace sluice::log {
namespace {

using base::Secret;

/// A shorter one would blank out half of every message.
constexpr std::size_t kMinBytesAnywhere = 4;

bool is_word(char byte) { return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_'; }
char lower(char byte) { return static_cast<char>(std::tolower(static_cast<unsigned char>(byte))); }

class Registry {
 public:
  void add(const std::string& value) {
    const std::lock_guard lock(mutex_);
    values_.insert(value);
  }

  void scrub(std::string& text) const {
    const std::lock_guard lock(mutex_);
    for (const std::string& value : values_) replace(text, value);
  }

 private:
  /// Longer ones first: a secret may contain another one.
  struct LongerFirst {
    bool operator()(const std::string& a, const std::string& b) const {
      return a.size() != b.size() ? a.size() > b.size() : a < b;
    }
  };

  static void replace(std::string& text, const std::string& value) {
    for (std::size_t at = text.find(value); at != std::string::npos; at = text.find(value, at)) {
      const std::size_t end = at + value.size();
      const bool inside_a_word = (at > 0 && is_word(text[at - 1])) || (end < text.size() && is_word(text[end]));
      if (value.size() < kMinBytesAnywhere && inside_a_word) {
        ++at;
        continue;
      }
      text.replace(at, value.size(), Secret::kHidden);
      at += Secret::kHidden.size();
    }
  }

  mutable std::mutex mutex_;
  std::set<std::string, LongerFirst> values_;
};

Registry& registry() {
  static Registry& instance = *new Registry;  // never destroyed: other threads may log while the process ends
  return instance;
}

std::string percent_encoded(const std::string& value) {
  std::string out;
  for (const char byte : value) {
    const bool plain = std::isalnum(static_cast<unsigned char>(byte)) != 0 ||
                       std::string_view("-._~").find(byte) != std::string_view::npos;
    if (plain)
      out += byte;
    else
      out += fmt::format("%{:02X}", static_cast<unsigned char>(byte));
  }
  return out;
}

/// As JSON strings and libpq's connection strings have it.
std::string backslash_escaped(const std::string& value, std::string_view quotes) {
  std::string out;
  for (const char byte : value) {
    if (byte == '\\' || quotes.find(byte) != std::string_view::npos) out += '\\';
    out += byte;
  }
  return out;
}

bool begins_with_ignoring_case(std::string_view text, std::string_view lower_case) {
  if (text.size() < lower_case.size()) return false;
  return std::equal(lower_case.begin(), lower_case.end(), text.begin(), [](char a, char b) { return a == lower(b); });
}

std::size_t skip_spaces(std::string_view text, std::size_t at) {
  while (at < text.size() && text[at] == ' ') ++at;
  return at;
}

struct Span {
  std::size_t begin = 0;
  std::size_t end = 0;
};

/// The value that begins at `at`: quoted, up to its closing quote, or bare, up to a blank or a separator.
Span value_at(std::string_view text, std::size_t at) {
  if (at < text.size() && (text[at] == '"' || text[at] == '\'')) {
    const char quote = text[at];
    std::size_t end = at + 1;
    while (end < text.size() && text[end] != quote) end += text[end] == '\\' ? 2U : 1U;
    return {at + 1, std::min(end, text.size())};
  }
  const std::size_t end = text.find_first_of(" \t\r\n&,;)}]\"'", at);
  return {at, end == std::string_view::npos ? text.size() : end};
}

constexpr std::array<std::string_view, 8> kSecretNames = {"password", "passwd",  "pwd",    "secret",
                                                          "token",    "api_key", "apikey", "passphrase"};

/// password=…, "password": "…"
std::size_t hide_named_value(std::string& text, std::size_t at) {
  for (const std::string_view name : kSecretNames) {
    if (!begins_with_ignoring_case(std::string_view(text).substr(at), name)) continue;
    std::size_t next = at + name.size();
    const bool quoted_name = next < text.size() && (text[next] == '"' || text[next] == '\'');
    next = skip_spaces(text, next + (quoted_name ? 1 : 0));
    if (next >= text.size() || !(text[next] == '=' || (quoted_name && text[next] == ':'))) continue;
    const Span value = value_at(text, skip_spaces(text, next + 1));
    if (value.begin == value.end) continue;
    text.replace(value.begin, value.end - value.begin, Secret::kHidden);
    return value.begin + Secret::kHidden.size();
  }
  return at + 1;
}

/// Authorization: Basic …
std::size_t hide_authorization(std::string& text, std::size_t at) {
  constexpr std::string_view kName = "authorization";
  if (!begins_with_ignoring_case(std::string_view(text).substr(at), kName)) return at + 1;
  std::size_t begin = at + kName.size();
  if (begin < text.size() && (text[begin] == '"' || text[begin] == '\'')) ++begin;
  begin = skip_spaces(text, begin);
  if (begin >= text.size() || text[begin] != ':') return at + 1;
  begin = skip_spaces(text, begin + 1);
  if (begin < text.size() && (text[begin] == '"' || text[begin] == '\'')) ++begin;
  const std::size_t end = std::min(text.find_first_of("\r\n\"'", begin), text.size());
  text.replace(begin, end - begin, Secret::kHidden);
  return begin + Secret::kHidden.size();
}

/// scheme://user:password@host
std::size_t hide_userinfo(std::string& text, std::size_t at) {
  const std::size_t begin = at + 3;
  const std::size_t end = std::min(text.find_first_of(" \t\r\n/?#\"'<>", begin), text.size());
  const std::size_t host = std::string_view(text).substr(begin, end - begin).rfind('@');
  const std::size_t colon = text.find(':', begin);
  if (host == std::string_view::npos || colon >= begin + host) return begin;
  text.replace(colon + 1, begin + host - colon - 1, Secret::kHidden);
  return colon + 1 + Secret::kHidden.size();
}

}  // namespace

void register_secret(const Secret& secret) {
  if (secret.empty()) return;
  registry().add(secret.reveal());
  registry().add(percent_encoded(secret.reveal()));
  registry().add(backslash_escaped(secret.reveal(), "\""));
  registry().add(backslash_escaped(secret.reveal(), "'"));
}

std::string redacted(std::string_view text) {
  std::string out(text);
  registry().scrub(out);
  for (std::size_t at = 0; at < out.size();) {
    const char first = lower(out[at]);
    if (first == ':' && std::string_view(out).substr(at, 3) == "://")
      at = hide_userinfo(out, at);
    else if (first == 'a' && begins_with_ignoring_case(std::string_view(out).substr(at), "auth"))
      at = hide_authorization(out, at);
    else if (first == 'p' || first == 's' || first == 't' || first == 'a')
      at = hide_named_value(out, at);
    else
      ++at;
  }
  return out;
}

}  // namespace sluice::log
