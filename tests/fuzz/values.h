// A small language for the fuzz targets of values: types without a catalog, what the encoder makes of a text, and the
// text that PostgreSQL would write of what came out, which has to come out as the same again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "fuzz/json_oracle.h"
#include "sluice/base/check.h"
#include "sluice/codec/value_encoder.h"

namespace sluice::fuzz {

using change::TypeKind;

inline constexpr std::uint32_t kText = 25;
inline constexpr std::uint32_t kTexts = 1009;

inline constexpr std::uint32_t kOwnType = 30'000;

inline std::shared_ptr<change::TypeDescription> described(TypeKind kind, change::TypeDescriptionPtr element = nullptr,
                                                          std::uint32_t oid = kOwnType) {
  auto type = std::make_shared<change::TypeDescription>();
  type->oid = oid;
  type->kind = kind;
  type->element = std::move(element);
  return type;
}

inline change::TypeDescriptionPtr of_extension(std::string_view extension, std::string_view name) {
  auto type = described(TypeKind::Base);
  type->extension = extension;
  type->name = name;
  return type;
}

inline codec::ValueTypePtr resolved(const change::TypeDescriptionPtr& type, const codec::ValueOptions& options = {}) {
  return *codec::resolve_type(type->oid, type.get(), options);
}

inline codec::ValueTypePtr builtin(std::uint32_t oid, const codec::ValueOptions& options = {}) {
  return *codec::resolve_type(oid, nullptr, options);
}

/// The JSON of a value; nothing: the text is not of the type.
inline std::optional<std::string> encoded(const codec::ValueType& type, std::string_view text) {
  static codec::ValueEncoder encoder;
  base::TextBuffer out;
  if (!encoder.append(type, text, out)) return std::nullopt;
  SLUICE_CHECK(is_json(out.view()), "a value is valid JSON");
  SLUICE_CHECK(out.view().find_first_of("\r\n") == std::string_view::npos, "a value has no line break");
  return std::string(out.view());
}

/// The first byte of an input chooses, the rest is the text.
struct Input {
  Input(const std::uint8_t* data, std::size_t size)
      : choice(size == 0 ? 0 : data[0]),
        text(reinterpret_cast<const char*>(data) + (size == 0 ? 0 : 1), size == 0 ? 0 : size - 1) {}
  std::size_t choice;
  std::string_view text;
};

/// Of arrays and hstore.
inline std::string in_backslashed_quotes(std::string_view text) {
  std::string quoted = "\"";
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') quoted.push_back('\\');
    quoted.push_back(byte);
  }
  return quoted + '"';
}

/// Of composites and ranges.
inline std::string in_doubled_quotes(std::string_view text) {
  std::string quoted = "\"";
  for (const char byte : text) {
    if (byte == '"' || byte == '\\') quoted.push_back(byte);
    quoted.push_back(byte);
  }
  return quoted + '"';
}

/// An array of texts as array_out writes it.
inline std::string array_text(const nlohmann::json& array) {
  std::string text = "{";
  for (const nlohmann::json& element : array) {
    if (text.size() > 1) text.push_back(',');
    text += element.is_array()  ? array_text(element)
            : element.is_null() ? "NULL"
                                : in_backslashed_quotes(element.get_ref<const std::string&>());
  }
  return text + '}';
}

}  // namespace sluice::fuzz
