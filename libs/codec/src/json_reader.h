// Reads JSON of a known form from left to right, once, without a tree: what it must be is asked for piece by piece, and
// each function says whether it was there. The JSON is clean in the sense of JsonChecker: no line breaks, no half
// surrogate pairs.
//
// A general parser first finds all brackets and quotes and then goes through them; for a record of 500 bytes whose
// members nearly always stand in the same order, one pass with a guess at the next name is twice as fast.
//
// Thread rule: one thread. Views point into the text, or into the reader for strings that had escapes (until begin()).
#pragma once

#include <charconv>
#include <concepts>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "json_text.h"
#include "plain_run.h"

namespace sluice::codec {

class JsonReader {
 public:
  void begin(std::string_view text) {
    at_ = text.data();
    end_ = at_ + text.size();
    used_ = 0;
  }

  /// Nothing but blanks is left.
  bool at_end() {
    skip_blanks();
    return at_ == end_;
  }

  /// Whether a value begins so; takes nothing.
  bool stands_at(char byte) {
    skip_blanks();
    return at_ != end_ && *at_ == byte;
  }

  bool take_mark(char mark) {
    if (!stands_at(mark)) return false;
    ++at_;
    return true;
  }

  bool take_word(std::string_view word) {
    skip_blanks();
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  bool take_number(std::integral auto& number) {
    skip_blanks();
    const char* const begin = at_;
    const auto [end, error] = std::from_chars(at_, end_, number);
    if (error != std::errc{}) return false;
    at_ = end;
    const char* const digits = *begin == '-' ? begin + 1 : begin;
    return *digits != '0' || end == digits + 1;  // 0 is a number, 00 and 01 are none
  }

  bool take_string(std::string_view& text) {
    if (!stands_at('"')) return false;
    const char* const begin = at_ + 1;
    const char* stop = skip_plain(begin, end_);
    if (stop != end_ && *stop == '"') {
      text = {begin, static_cast<std::size_t>(stop - begin)};
      at_ = stop + 1;
      return true;
    }
    stop = end_of_json_string(at_, end_);
    if (stop == nullptr) return false;
    at_ = stop;
    text = unescaped({begin, static_cast<std::size_t>(stop - 1 - begin)});
    return true;
  }

  /// Any value, as it stands.
  bool take_value(std::string_view& value) {
    skip_blanks();
    const char* const begin = at_;
    const char* const stop = checker_.end_of_value(at_, end_);
    if (stop == nullptr) return false;
    at_ = stop;
    value = {begin, static_cast<std::size_t>(stop - begin)};
    return true;
  }

  /// Calls take(place of the name in `names`, or names.size()) for each member of the object that begins here; it takes
  /// the member's value, or says that it cannot. A name with escapes is none of `names`.
  template <class Names, class Take>
  bool take_object(const Names& names, Take take) {
    if (!take_mark('{')) return false;
    if (take_mark('}')) return true;
    std::size_t expected = 0;
    do {
      std::size_t place = names.size();
      if (!take_name(names, expected, place) || !take_mark(':') || !take(place)) return false;
      expected = place < names.size() ? place + 1 : expected;
    } while (take_mark(','));
    return take_mark('}');
  }

 private:
  void skip_blanks() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\t')) ++at_;
  }

  template <class Names>
  bool take_name(const Names& names, std::size_t expected, std::size_t& place) {
    if (!stands_at('"')) return false;
    for (std::size_t tried = 0; tried < names.size(); ++tried) {
      const std::size_t candidate = (expected + tried) % names.size();
      if (!is_name(names[candidate])) continue;
      at_ += names[candidate].size() + 2;
      place = candidate;
      return true;
    }
    at_ = end_of_json_string(at_, end_);
    if (at_ != nullptr) return true;
    at_ = end_;
    return false;
  }

  /// Whether this name stands here, in quotes.
  bool is_name(std::string_view name) const {
    const std::string_view rest(at_ + 1, static_cast<std::size_t>(end_ - at_ - 1));
    return rest.size() > name.size() && rest[name.size()] == '"' && rest.starts_with(name);
  }

  std::string_view unescaped(std::string_view inside) {
    if (inside.find('\\') == std::string_view::npos) return inside;
    if (used_ == unescaped_.size()) unescaped_.emplace_back();
    std::string& text = unescaped_[used_++];
    text.clear();
    append_unescaped(inside, text);
    return text;
  }

  const char* at_ = nullptr;
  const char* end_ = nullptr;
  JsonChecker checker_;
  std::deque<std::string> unescaped_;  ///< a deque, since views into it live while it grows
  std::size_t used_ = 0;
};

}  // namespace sluice::codec
