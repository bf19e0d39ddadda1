// Texts to values and back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "key.h"

namespace sluice::config {

std::optional<std::uint64_t> parse_count(std::string_view text);
std::optional<double> parse_real(std::string_view text);
/// 0, 200ms, 10s, 1m30s, 2h, 7d
std::optional<std::uint64_t> parse_duration_ms(std::string_view text);
/// 512, 512b, 64kb, 10mb, 1gb
std::optional<std::uint64_t> parse_size_bytes(std::string_view text);
/// schema.table, "odd.schema"."table"
std::optional<TableName> parse_table(std::string_view text);
/// a, b, c without the blanks; empty: none
std::vector<std::string> split_list(std::string_view text);

std::string print_duration(std::uint64_t milliseconds);
std::string print_size(std::uint64_t bytes);
std::string print_table(const TableName& table);
/// As a YAML scalar that reads back as this text.
std::string print_text(std::string_view text);

/// For messages: control characters escaped, at most 60 characters. (Not `quoted`: for a std::string that finds
/// std::quoted of <iomanip>, which newer libraries include on their own.)
std::string in_quotes(std::string_view text);

/// What the key takes, for messages and tables: "duration, 1s to 5m".
std::string type_name(const Key& key);

/// The value as the file has it; nothing: not set. Lists and maps in flow style. Secrets hidden.
std::optional<std::string> print_value(const Key& key);

/// One of the programs needs a value, and there is none.
bool is_missing(const Key& key);

bool is_secret_property(std::string_view name);

}  // namespace sluice::config
