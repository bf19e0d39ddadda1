// Text and times inside of JSON documents.
//
// Thread rule: pure functions; append to the caller's buffer.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "sluice/change/lsn.h"

namespace sluice::documents {

/// Quotes and all. What is no UTF-8 (keys of SQL_ASCII databases) becomes U+FFFD, a byte each.
void append_json_string(std::string_view text, std::string& out);

/// `["a","b"]`.
void append_json_strings(std::span<const std::string_view> texts, std::string& out);

/// `member`, then `["a","b"]` of names that have their quotes already.
void append_raw_names(std::string_view member, std::span<const std::string_view> raw_names, std::string& out);

void append_number(std::int64_t number, std::string& out);
void append_number(std::uint64_t number, std::string& out);

/// "2026-11-21T08:00:00.123456Z", with quotes.
void append_json_time(std::int64_t microseconds_since_1970, std::string& out);

/// "16/B374D848", with quotes.
void append_json_lsn(change::Lsn lsn, std::string& out);

}  // namespace sluice::documents
