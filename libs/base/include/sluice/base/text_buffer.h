// A buffer to append text to that grows and never shrinks: after the first records no append allocates. Unlike
// std::string it gives out room that is not cleared before, so that a writer may reserve for the worst case and then
// write without asking.
//
// Thread rule: one thread.
#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

#include "sluice/base/check.h"

namespace sluice::base {

class TextBuffer {
 public:
  std::string_view view() const { return {bytes_.get(), size_}; }
  std::string_view view_from(std::size_t begin) const { return view().substr(begin); }
  std::size_t size() const { return size_; }
  void clear() { size_ = 0; }
  /// Takes away what was appended since size() was `size`.
  void cut_back_to(std::size_t size) {
    SLUICE_CHECK(size <= size_, "a buffer is cut back to where it was before");
    size_ = size;
  }
  void overwrite(std::size_t at, char byte) {
    SLUICE_CHECK(at < size_, "only what was written is overwritten");
    bytes_[at] = byte;
  }

  /// Where the next byte goes; at least `size` bytes may be written there. Valid until the next append.
  char* room(std::size_t size) {
    if (capacity_ - size_ < size) grow(size);
    return bytes_.get() + size_;
  }
  /// Takes what was written into the last room(), up to `end`.
  void written_to(const char* end) { size_ = static_cast<std::size_t>(end - bytes_.get()); }

  void append(std::string_view text) {
    copy(room(text.size()), text);
    size_ += text.size();
  }
  void append(char byte) {
    *room(1) = byte;
    ++size_;
  }
  void append_number(std::integral auto number) {
    constexpr std::size_t kMaxDigits = 20;  // of a 64-bit number, sign included
    char* to = room(kMaxDigits);
    written_to(std::to_chars(to, to + kMaxDigits, number).ptr);
  }
  /// Lower case, with leading zeros.
  template <std::size_t kDigits>
  void append_hex(std::uint64_t number) {
    char* const to = room(kDigits);
    for (std::size_t index = kDigits; index-- > 0; number >>= 4) to[index] = "0123456789abcdef"[number & 0xF];
    size_ += kDigits;
  }

 private:
  /// Most pieces are a name or a value of a few bytes, for which a call of memcpy() costs more than the copying.
  static void copy(char* to, std::string_view text) {
    const char* from = text.data();
    const std::size_t size = text.size();
    if (size > 16) {
      std::memcpy(to, from, size);
    } else if (size >= 8) {
      copy_ends<8>(to, from, size);
    } else if (size >= 4) {
      copy_ends<4>(to, from, size);
    } else {
      for (std::size_t index = 0; index < size; ++index) to[index] = from[index];
    }
  }

  /// The first and the last kWidth bytes, which together are all.
  template <std::size_t kWidth>
  static void copy_ends(char* to, const char* from, std::size_t size) {
    std::array<char, kWidth> first;
    std::array<char, kWidth> last;
    std::memcpy(first.data(), from, kWidth);
    std::memcpy(last.data(), from + size - kWidth, kWidth);
    std::memcpy(to, first.data(), kWidth);
    std::memcpy(to + size - kWidth, last.data(), kWidth);
  }

  void grow(std::size_t size) {
    const std::size_t wanted = size_ + size;
    std::size_t capacity = capacity_ < 1024 ? 1024 : capacity_;
    while (capacity < wanted) capacity *= 2;
    auto bytes = std::make_unique_for_overwrite<char[]>(capacity);
    if (size_ != 0) std::memcpy(bytes.get(), bytes_.get(), size_);
    bytes_ = std::move(bytes);
    capacity_ = capacity;
  }

  std::unique_ptr<char[]> bytes_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace sluice::base
