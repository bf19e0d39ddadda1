#include "sluice/config/describe.h"

#include <fmt/core.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "key.h"
#include "values.h"

namespace sluice::config {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLineWidth = 118;

constexpr std::string_view kIntroduction =
    "Sluice: the configuration of replicator and es_consumer, with every key, its default and the reason for it. A key "
    "with "
    "a # before it has no default. What is wrong with a configuration is told all at once, with line and column.\n"
    "Values may hold ${VARIABLE} and ${VARIABLE:-default}. Durations: 200ms, 10s, 1m30s, 7d. Sizes: 512, 64kb, 10mb, "
    "1gb. "
    "Lists: [a, b], or one element a line. `--set section.key=value` on the command line wins over this file.";

/// `text` as comment lines.
void append_comment(std::string& out, std::string_view indent, std::string_view text) {
  while (!text.empty()) {
    const std::size_t room = kLineWidth - indent.size() - 2;
    std::size_t end = std::min(text.find('\n'), text.size());
    if (end > room) end = text.rfind(' ', room);
    out += fmt::format("{}# {}\n", indent, text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

void append_documented(std::string& out, std::string_view indent, const Key& key) {
  append_comment(out, indent, fmt::format("{} ({})", key.doc, type_name(key)));
  const auto value = print_value(key);
  const bool needed = key.need != Need::None || key.name == "tables";
  if (needed) {
    const bool list = std::holds_alternative<Strings*>(key.field) || std::holds_alternative<Tables*>(key.field);
    out +=
        fmt::format("{}{}: {}\n", indent, key.name, list ? fmt::format("[{}]", key.example) : std::string(key.example));
  } else if (value) {
    out += fmt::format("{}{}: {}\n", indent, key.name, *value);
  } else {
    out += fmt::format("{}# {}: {}\n", indent, key.name, key.example);
  }
}

/// 200ms and 10mb, or a number where one will do.
ordered_json pattern(std::string_view regex) { return {{"type", {"string", "integer"}}, {"pattern", regex}}; }

struct SchemaOf {
  const Key& key;
  using Schema = ordered_json;

  Schema operator()(const Choice& choice) const {
    std::vector<std::string> words(choice.names.begin(), choice.names.end());
    Schema values = words;
    const bool has_switch = std::find(words.begin(), words.end(), "on") != words.end();
    if (has_switch) values.insert(values.end(), {true, false});
    return {{"enum", values}};
  }
  Schema operator()(std::string*) const { return text(); }
  Schema operator()(std::optional<std::string>*) const { return text(); }
  Schema operator()(Secret*) const { return text(); }
  Schema operator()(std::uint32_t*) const { return number("integer"); }
  Schema operator()(std::optional<std::uint32_t>*) const { return number("integer"); }
  Schema operator()(double*) const { return number("number"); }
  Schema operator()(Milliseconds*) const { return pattern("^(0|([0-9]+(ms|s|m|h|d))+)$"); }
  Schema operator()(Size*) const { return pattern("^[0-9]+ ?([kKmMgG]?[bB]?|[kKmMgG]i[bB])$"); }
  Schema operator()(Strings*) const { return list(); }
  Schema operator()(Tables*) const { return list(); }
  Schema operator()(Properties*) const {
    return {{"type", "object"}, {"additionalProperties", {{"type", {"string", "number", "boolean"}}}}};
  }

  static Schema text() { return {{"type", {"string", "number"}}}; }
  static Schema list() { return {{"type", {"array", "string"}}, {"items", text()}}; }
  Schema number(std::string_view type) const {
    Schema schema = {{"type", type}, {"minimum", key.min}};
    if (key.max != std::numeric_limits<std::uint64_t>::max()) schema["maximum"] = key.max;
    return schema;
  }
};

ordered_json schema_of(const Key& key) {
  ordered_json plain = std::visit(SchemaOf{key}, key.field);
  ordered_json schema = {{"description", key.doc}};
  if (const auto value = print_value(key); value && key.need == Need::None && *value != "[]")
    schema["default"] = *value;
  const bool is_text = plain.contains("type") && plain["type"] == SchemaOf::text()["type"];
  if (is_text || std::holds_alternative<Properties*>(key.field)) {
    schema.update(plain);
  } else {
    schema["anyOf"] = {plain, {{"type", "string"}, {"pattern", "\\$\\{"}}};
  }
  return schema;
}

}  // namespace

std::string default_config_file() {
  Settings defaults;
  std::string out;
  append_comment(out, "", kIntroduction);
  for (const Section& section : all_keys(defaults)) {
    const bool top = section.name.empty();
    out += "\n";
    if (!top) {
      append_comment(out, "", section.doc);
      out += fmt::format("{}:\n", section.name);
    }
    for (const Key& key : section.keys) append_documented(out, top ? "" : "  ", key);
  }
  return out;
}

std::string effective_config(const Settings& settings) {
  Settings copy = settings;
  std::string out;
  for (const Section& section : all_keys(copy)) {
    if (!section.name.empty()) out += fmt::format("{}:\n", section.name);
    for (const Key& key : section.keys) {
      if (const auto value = print_value(key); value && !is_missing(key)) {
        out += fmt::format("{}{}: {}\n", section.name.empty() ? "" : "  ", key.name, *value);
      }
    }
  }
  return out;
}

std::string json_schema() {
  Settings defaults;
  ordered_json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                         {"title", "Sluice"},
                         {"type", "object"},
                         {"additionalProperties", false},
                         {"properties", ordered_json::object()}};
  for (const Section& section : all_keys(defaults)) {
    ordered_json properties = ordered_json::object();
    for (const Key& key : section.keys) properties[std::string(key.name)] = schema_of(key);
    if (section.name.empty()) {
      schema["properties"].update(properties);
    } else {
      schema["properties"][std::string(section.name)] = {{"description", section.doc},
                                                         {"type", {"object", "null"}},
                                                         {"additionalProperties", false},
                                                         {"properties", properties}};
    }
  }
  return schema.dump(2);
}

std::vector<KeyReference> key_reference() {
  Settings defaults;
  std::vector<KeyReference> reference;
  for (const Section& section : all_keys(defaults)) {
    for (const Key& key : section.keys) {
      const auto value = print_value(key);
      const bool has_default = value && key.need == Need::None && *value != "[]";
      reference.push_back(
          {path_of(section, key), type_name(key), has_default ? *value : std::string(), std::string(key.doc)});
    }
  }
  return reference;
}

std::vector<Secret> secrets_of(const Settings& settings) {
  Settings copy = settings;
  std::vector<Secret> secrets;
  for (const SecretPair& pair : secret_pairs(copy)) {
    if (!pair.value->empty()) secrets.push_back(*pair.value);
  }
  for (const auto& [name, value] : settings.kafka.properties) {
    if (is_secret_property(name) && !value.empty()) secrets.emplace_back(value);
  }
  return secrets;
}

}  // namespace sluice::config
