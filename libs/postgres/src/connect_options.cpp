#include "sluice/postgres/connect_options.h"

#include <array>
#include <cstdlib>

#include <fmt/core.h>

namespace sluice::postgres {
namespace {

// pgoutput and COPY render values with the session's settings; a role or database may have set its own (rule P-27).
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kFixedSettings{{
    {"datestyle", "ISO"},
    {"intervalstyle", "postgres"},
    {"timezone", "UTC"},
    {"extra_float_digits", "1"},
    {"bytea_output", "hex"},
    {"lc_monetary", "C"},
    {"search_path", ""},
    {"row_security", "off"},
    {"statement_timeout", "0"},
    {"idle_in_transaction_session_timeout", "0"},
    {"default_transaction_read_only", "on"},
}};

// Backslash protects a space inside a value of the `options` keyword.
std::string escaped_option(std::string_view value) {
  std::string out;
  for (const char character : value) {
    if (character == ' ' || character == '\\') out.push_back('\\');
    out.push_back(character);
  }
  return out;
}

std::string users_options(const ConnectOptions& options) {
  if (const auto own = options.extra.find("options"); own != options.extra.end()) return own->second;
  // The keyword hides the variable from libpq, so it is read here.
  const char* variable = std::getenv("PGOPTIONS");
  return variable == nullptr ? std::string() : std::string(variable);
}

void replace_all(std::string& text, const std::string& secret) {
  if (secret.empty()) return;
  for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
    text.replace(at, secret.size(), base::Secret::kHidden);
    at += base::Secret::kHidden.size();
  }
}

bool is_secret_keyword(std::string_view keyword) {
  return keyword.find("password") != std::string_view::npos || keyword.find("secret") != std::string_view::npos;
}

}  // namespace

std::string session_settings(const ConnectOptions& options, std::string_view before) {
  std::string text(before);
  const auto add = [&text](std::string_view name, std::string_view value) {
    if (!text.empty()) text.push_back(' ');
    text.append(fmt::format("-c {}={}", name, escaped_option(value)));
  };
  for (const auto& [name, value] : kFixedSettings) add(name, value);
  add("lock_timeout", fmt::format("{}", options.lock_timeout.count()));
  add("tcp_user_timeout", fmt::format("{}", options.tcp_user_timeout.count()));
  add("wal_sender_timeout", fmt::format("{}", options.wal_sender_timeout.count()));
  return text;
}

ConnectKeywords connect_keywords(const ConnectOptions& options, ConnectionKind kind) {
  ConnectKeywords keywords;
  const auto add = [&keywords](std::string name, std::string value) {
    keywords.emplace_back(std::move(name), std::move(value));
  };
  if (!options.conninfo.empty()) add("dbname", options.conninfo.reveal());
  if (options.host) add("host", *options.host);
  if (options.port) add("port", std::to_string(*options.port));
  if (options.user) add("user", *options.user);
  if (!options.password.empty()) add("password", options.password.reveal());
  if (options.dbname) add("dbname", *options.dbname);
  if (options.sslmode) add("sslmode", *options.sslmode);
  if (options.sslrootcert) add("sslrootcert", *options.sslrootcert);
  add("keepalives", "1");
  add("keepalives_idle", "10");
  add("keepalives_interval", "5");
  add("keepalives_count", "4");
  add("tcp_user_timeout", std::to_string(options.tcp_user_timeout.count()));
  add("application_name", options.application_name);
  // Its negotiation costs a round trip to the ticket cache and can hang without one (rule S-2).
  add("gssencmode", "disable");
  for (const auto& [name, value] : options.extra) {
    if (name != "options") add(name, value);
  }
  add("client_encoding", "UTF8");
  add("options", session_settings(options, users_options(options)));
  if (kind == ConnectionKind::Replication) add("replication", "database");
  return keywords;
}

std::string describe_target(const ConnectOptions& options) {
  std::string text;
  if (options.user) text = *options.user + "@";
  text += options.host.value_or(options.conninfo.empty() ? "(default host)" : "(host of the connection string)");
  if (options.port) text += ":" + std::to_string(*options.port);
  if (options.dbname) text += "/" + *options.dbname;
  return text;
}

std::string scrubbed(std::string_view text, const ConnectOptions& options) {
  std::string clean;
  for (const char character : text) {
    const bool control = static_cast<unsigned char>(character) < 0x20 || character == 0x7F;
    const char shown = control ? ' ' : character;
    if (shown == ' ' && (clean.empty() || clean.back() == ' ')) continue;
    clean.push_back(shown);
  }
  while (!clean.empty() && clean.back() == ' ') clean.pop_back();
  replace_all(clean, options.password.reveal());
  replace_all(clean, options.conninfo.reveal());
  for (const auto& [name, value] : options.extra) {
    if (is_secret_keyword(name)) replace_all(clean, value);
  }
  return clean;
}

}  // namespace sluice::postgres
