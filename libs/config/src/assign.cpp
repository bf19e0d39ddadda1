#include "assign.h"

#include <fmt/core.h>

#include <algorithm>
#include <cctype>
#include <type_traits>

#include "nearest.h"
#include "values.h"
#include "variables.h"

namespace sluice::config {
namespace {

/// One scalar, its variables replaced.
struct Word {
  std::string text;
  std::string place;
};

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

class Assignment {
 public:
  Assignment(const Key& key, std::string_view path, const Tree& value, const Context& context)
      : key_(key), path_(path), value_(value), context_(context) {}

  bool run() {
    return std::visit([this](const auto& field) { return assign_to(field); }, key_.field);
  }

 private:
  bool assign_to(const Choice& choice) {
    const auto word = scalar();
    if (!word) return false;
    const auto ordinal = find_choice(choice, word->text);
    if (ordinal) choice.set(*ordinal);
    return ordinal || reject_choice(choice, *word);
  }
  bool assign_to(std::string* target) { return assign_text(target); }
  bool assign_to(std::optional<std::string>* target) { return assign_text(target); }
  bool assign_to(Secret* target) {
    const auto word = scalar();
    if (word) *target = Secret(word->text);
    return word.has_value();
  }
  bool assign_to(std::uint32_t* target) { return assign_number<std::uint32_t>(target, parse_count); }
  bool assign_to(std::optional<std::uint32_t>* target) { return assign_number<std::uint32_t>(target, parse_count); }
  bool assign_to(double* target) { return assign_number<double>(target, parse_real); }
  bool assign_to(Milliseconds* target) { return assign_number<Milliseconds>(target, parse_duration_ms); }
  bool assign_to(Size* target) { return assign_number<Size>(target, parse_size_bytes); }
  bool assign_to(Strings* target) {
    return assign_list(target, [this](const Word& word) -> std::optional<std::string> {
      if (check(word)) return word.text;
      return std::nullopt;
    });
  }
  bool assign_to(Tables* target) {
    return assign_list(target, [this](const Word& word) -> std::optional<TableName> { return table(word); });
  }

  bool assign_to(Properties* target) {
    if (value_.kind != Tree::Kind::Map) return wrong_type(value_.place, {});
    bool good = true;
    for (const Tree::Member& member : value_.members) {
      const auto verdict = key_.check_property(member.name);
      if (verdict) good = reject({{}, member.place}, verdict->id, in_quotes(member.name) + " " + verdict->text);
      const auto word = word_of(member.value);
      if (word && !verdict) target->insert_or_assign(member.name, word->text);
      good = good && word;
    }
    return good;
  }

  template <class Target>
  bool assign_text(Target* target) {
    const auto word = scalar();
    if (!word || !check(*word)) return false;
    *target = word->text;
    return true;
  }

  template <class Number, class Target, class Parse>
  bool assign_number(Target* target, Parse parse) {
    const auto word = scalar();
    if (!word) return false;
    const auto number = parse(word->text);
    if (!number) return wrong_type(word->place, word->text);
    using Parsed = std::remove_cvref_t<decltype(*number)>;
    if (*number < static_cast<Parsed>(key_.min) || *number > static_cast<Parsed>(key_.max)) {
      return reject(*word, "config.out_of_range",
                    fmt::format("{} is out of range: {}", in_quotes(word->text), type_name(key_)));
    }
    if constexpr (std::is_same_v<Number, Size>) {
      *target = Size{*number};
    } else if constexpr (std::is_same_v<Number, Milliseconds>) {
      *target = Milliseconds(static_cast<Milliseconds::rep>(*number));
    } else {
      *target = static_cast<Number>(*number);
    }
    return true;
  }

  template <class Element, class Convert>
  bool assign_list(std::vector<Element>* target, Convert convert) {
    const auto words = list();
    if (!words) return false;
    std::vector<Element> elements;
    for (const Word& word : *words) {
      if (auto element = convert(word)) elements.push_back(std::move(*element));
    }
    if (elements.size() != words->size()) return false;
    *target = std::move(elements);
    return true;
  }

  std::optional<TableName> table(const Word& word) {
    if (word.text.find_first_of("*?^$|(") != std::string::npos && word.text.find('"') == std::string::npos) {
      reject(
          word, "config.not_supported",
          in_quotes(word.text) + " is a pattern, which this version does not support yet: name the tables one by one");
      return std::nullopt;
    }
    auto name = parse_table(word.text);
    if (!name)
      reject(word, "config.wrong_type",
             in_quotes(word.text) + " is no table: write schema.table, and a name with a dot in quotes");
    return name;
  }

  std::optional<std::size_t> find_choice(const Choice& choice, std::string_view text) const {
    // YAML has several words for on and off.
    const bool on = equal_ignoring_case(text, "true") || equal_ignoring_case(text, "yes");
    const bool off = equal_ignoring_case(text, "false") || equal_ignoring_case(text, "no");
    const std::string_view wanted = on ? "on" : off ? "off" : text;
    const auto found = std::find_if(choice.names.begin(), choice.names.end(),
                                    [&](std::string_view name) { return equal_ignoring_case(name, wanted); });
    if (found == choice.names.end()) return std::nullopt;
    return static_cast<std::size_t>(found - choice.names.begin());
  }

  bool reject_choice(const Choice& choice, const Word& word) {
    const auto later = std::find_if(choice.later.begin(), choice.later.end(),
                                    [&](std::string_view name) { return equal_ignoring_case(name, word.text); });
    if (later != choice.later.end()) {
      return reject(word, "config.not_supported",
                    fmt::format("{} is not supported yet: write {}", in_quotes(word.text), type_name(key_)));
    }
    const auto meant = nearest(word.text, {choice.names.begin(), choice.names.end()});
    return reject(word, "config.wrong_type",
                  fmt::format("{} is none of {}{}", in_quotes(word.text), type_name(key_),
                              meant ? fmt::format(": did you mean {}?", *meant) : std::string()));
  }

  bool check(const Word& word) {
    const Verdict verdict = key_.check == nullptr ? std::nullopt : key_.check(word.text);
    // An address that is wrong may hold a password.
    if (!verdict) return true;
    const bool may_hold_a_secret = word.text.find('@') != std::string::npos;
    return reject(word, verdict->id, (may_hold_a_secret ? "the value" : in_quotes(word.text)) + " " + verdict->text);
  }

  std::optional<Word> scalar() { return word_of(value_); }

  std::optional<Word> word_of(const Tree& tree) {
    if (tree.kind != Tree::Kind::Scalar) {
      wrong_type(tree.place, {});
      return std::nullopt;
    }
    auto expanded = expand_variables(tree.text, context_.environment);
    if (expanded) return Word{std::move(*expanded), tree.place};
    const Complaint& complaint = expanded.error();
    if (context_.variables_may_be_missing && complaint.id == "config.unset_variable") return std::nullopt;
    reject({{}, tree.place}, complaint.id, "the value " + complaint.text);
    return std::nullopt;
  }

  /// A YAML list, or one scalar with commas.
  std::optional<std::vector<Word>> list() {
    std::vector<Word> words;
    if (value_.kind != Tree::Kind::List) {
      const auto word = scalar();
      if (!word) return std::nullopt;
      for (std::string& element : split_list(word->text)) words.push_back({std::move(element), word->place});
      return words;
    }
    for (const Tree& element : value_.elements) {
      auto word = word_of(element);
      if (!word) return std::nullopt;
      words.push_back(std::move(*word));
    }
    return words;
  }

  bool wrong_type(const std::string& place, std::string_view text) {
    const std::string found = !text.empty() ? in_quotes(text) + " is no"
                              : value_.kind == Tree::Kind::Null
                                  ? "there is no value: give one or remove the key; it takes a"
                                  : "this is no";
    return reject({{}, place}, "config.wrong_type", fmt::format("{} {}{}", found, type_name(key_), example()));
  }

  /// Of a value that has a form which its type's name does not tell.
  std::string_view example() const {
    if (std::holds_alternative<Milliseconds*>(key_.field)) return ", such as 5ms or 10s";
    if (std::holds_alternative<Size*>(key_.field)) return ", such as 64kb or 1mb";
    if (std::holds_alternative<Properties*>(key_.field)) return ": write its keys below it, or --set …<name>=value";
    return "";
  }

  bool reject(const Word& word, std::string_view id, std::string message) {
    context_.mistakes.push_back({word.place, id, fmt::format("{}: {}", path_, message)});
    return false;
  }

  const Key& key_;
  std::string_view path_;
  const Tree& value_;
  const Context& context_;
};

}  // namespace

bool assign(const Key& key, std::string_view path, const Tree& value, const Context& context) {
  return Assignment(key, path, value, context).run();
}

}  // namespace sluice::config
