#include "lmdb_file.h"

#include <fmt/core.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <vector>

namespace sluice::offsets {
namespace {

using base::fail;
using base::Recovery;
using base::Result;

static_assert(std::endian::native == std::endian::little && sizeof(void*) == 8, "LMDB's format is the machine's own");

constexpr std::uint64_t kPageHeaderBytes = 16;
constexpr std::uint64_t kNodeHeaderBytes = 8;
constexpr std::uint64_t kMetaBytes = 152;
constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::uint32_t kDataVersion = 1;
constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
constexpr std::uint16_t kBranchPage = 0x01, kLeafPage = 0x02, kOverflowPage = 0x04, kMetaPage = 0x08;
constexpr std::uint16_t kValueOnOverflowPages = 0x01;
constexpr std::uint32_t kMaxDepth = 32;
constexpr std::uint64_t kFirstDataPage = 2;
constexpr std::uint16_t kIntegerKeys = 0x08;

/// Bounds are checked by the caller.
template <class T>
T number_at(std::string_view bytes, std::uint64_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

tl::unexpected<base::Error> corrupt(std::string finding) {
  return fail(Recovery::Stop, "offsets.corrupt", std::move(finding));
}

struct Tree {
  std::uint16_t flags = 0;
  std::uint16_t depth = 0;
  std::uint64_t branch_pages = 0, leaf_pages = 0, overflow_pages = 0, entries = 0;
  std::uint64_t root = kNoPage;
};

struct Meta {
  std::uint64_t page_bytes = 0;
  Tree free_pages, main;
  std::uint64_t last_page = 0;
  std::uint64_t transaction = 0;
};

Tree read_tree(std::string_view bytes, std::uint64_t offset) {
  return {number_at<std::uint16_t>(bytes, offset + 4),  number_at<std::uint16_t>(bytes, offset + 6),
          number_at<std::uint64_t>(bytes, offset + 8),  number_at<std::uint64_t>(bytes, offset + 16),
          number_at<std::uint64_t>(bytes, offset + 24), number_at<std::uint64_t>(bytes, offset + 32),
          number_at<std::uint64_t>(bytes, offset + 40)};
}

Result<Meta> read_meta(std::string_view bytes, std::uint64_t ordinal, std::uint64_t page_bytes) {
  const std::uint64_t offset = ordinal * page_bytes;
  if (bytes.size() < offset + kMetaBytes) return corrupt(fmt::format("the file ends at byte {}", bytes.size()));
  const std::string_view page = bytes.substr(offset);
  if (number_at<std::uint64_t>(page, 0) != ordinal || number_at<std::uint16_t>(page, 10) != kMetaPage ||
      number_at<std::uint32_t>(page, 16) != kMagic || number_at<std::uint32_t>(page, 20) != kDataVersion) {
    return corrupt(fmt::format("meta page {} is none", ordinal));
  }
  Meta meta;
  meta.page_bytes = number_at<std::uint32_t>(page, 40);
  meta.free_pages = read_tree(page, 40);
  meta.main = read_tree(page, 88);
  meta.last_page = number_at<std::uint64_t>(page, 136);
  meta.transaction = number_at<std::uint64_t>(page, 144);
  if (meta.page_bytes < 512 || meta.page_bytes > 65'536 || !std::has_single_bit(meta.page_bytes)) {
    return corrupt(fmt::format("meta page {} speaks of pages of {} bytes", ordinal, meta.page_bytes));
  }
  return meta;
}

/// The newer of the two. Transaction n writes meta page n mod 2, so the other one is of n - 1.
Result<Meta> newest_meta(std::string_view bytes) {
  SLUICE_ASSIGN(const Meta first, read_meta(bytes, 0, 0));
  SLUICE_ASSIGN(const Meta second, read_meta(bytes, 1, first.page_bytes));
  const Meta& newest = second.transaction > first.transaction ? second : first;
  const Meta& older = second.transaction > first.transaction ? first : second;
  const bool fresh = first.transaction == 0 && second.transaction == 0;
  const std::uint64_t written_by_parity = newest.transaction % 2;
  const bool neighbours = newest.transaction == older.transaction + 1 &&
                          written_by_parity == (second.transaction > first.transaction ? 1U : 0U);
  if (second.page_bytes != first.page_bytes || (!fresh && !neighbours)) {
    return corrupt(fmt::format("the meta pages, of transactions {} and {}, do not belong together", first.transaction,
                               second.transaction));
  }
  return newest;
}

class FileCheck {
 public:
  FileCheck(std::string_view bytes, const Meta& meta)
      : bytes_(bytes), meta_(meta), used_(static_cast<std::size_t>(meta.last_page + 1), false) {}

  Result<void> run() {
    SLUICE_TRY(walk(meta_.main, &FileCheck::ignore));
    SLUICE_TRY(walk(meta_.free_pages, &FileCheck::remember_free));
    return check_free();
  }

 private:
  using Visit = Result<void> (FileCheck::*)(std::string_view value);
  struct Found {
    std::uint64_t branch_pages = 0, leaf_pages = 0, overflow_pages = 0, entries = 0;
  };

  Result<void> ignore(std::string_view) { return {}; }

  /// A value of the free tree: a count, and that many page numbers, descending.
  Result<void> remember_free(std::string_view value) {
    if (value.size() < 8) return corrupt("an entry of the free list is too short");
    const auto count = number_at<std::uint64_t>(value, 0);
    if (count > value.size() / 8 - 1) return corrupt("an entry of the free list is longer than its value");
    for (std::uint64_t ordinal = 1; ordinal <= count; ++ordinal) {
      free_.push_back(number_at<std::uint64_t>(value, ordinal * 8));
      if (ordinal > 1 && free_.back() >= free_[free_.size() - 2]) return corrupt("the free list is out of order");
    }
    return {};
  }

  Result<void> check_free() {
    for (const std::uint64_t page : free_) {
      if (page < kFirstDataPage || page > meta_.last_page) return corrupt(fmt::format("free page {} is none", page));
      SLUICE_TRY(claim(page));
    }
    return {};
  }

  Result<void> claim(std::uint64_t page) {
    if (used_[static_cast<std::size_t>(page)]) return corrupt(fmt::format("page {} is used twice", page));
    used_[static_cast<std::size_t>(page)] = true;
    return {};
  }

  Result<std::string_view> page_at(std::uint64_t number) {
    if (number < kFirstDataPage || number > meta_.last_page) return corrupt(fmt::format("there is no page {}", number));
    SLUICE_TRY(claim(number));
    const auto page = bytes_.substr(number * meta_.page_bytes, meta_.page_bytes);
    if (number_at<std::uint64_t>(page, 0) != number) return corrupt(fmt::format("page {} has another number", number));
    return page;
  }

  Result<void> walk(const Tree& tree, Visit visit) {
    Found found;
    if (tree.root == kNoPage) {
      if (tree.depth != 0 || tree.entries != 0) return corrupt("a tree with entries has no root");
      return {};
    }
    if (tree.depth == 0 || tree.depth > kMaxDepth) return corrupt(fmt::format("a tree has depth {}", tree.depth));
    SLUICE_TRY(walk_page(tree.root, tree.depth, visit, found));
    if (found.entries != tree.entries || found.leaf_pages != tree.leaf_pages ||
        found.branch_pages != tree.branch_pages || found.overflow_pages != tree.overflow_pages) {
      return corrupt("a tree has other pages or entries than its meta page says");
    }
    return {};
  }

  Result<void> walk_page(std::uint64_t number, std::uint32_t depth, Visit visit, Found& found) {
    SLUICE_ASSIGN(const std::string_view page, page_at(number));
    const auto flags = number_at<std::uint16_t>(page, 10);
    if (flags != (depth == 1 ? kLeafPage : kBranchPage))
      return corrupt(fmt::format("page {} is of the wrong kind", number));
    const auto lower = number_at<std::uint16_t>(page, 12);
    const auto upper = number_at<std::uint16_t>(page, 14);
    if (lower < kPageHeaderBytes || lower % 2 != 0 || lower > upper || upper > page.size()) {
      return corrupt(fmt::format("page {} has impossible bounds", number));
    }
    ++(depth == 1 ? found.leaf_pages : found.branch_pages);
    for (std::uint64_t at = kPageHeaderBytes; at < lower; at += 2) {
      const auto node = number_at<std::uint16_t>(page, at);
      if (node < upper || node % 2 != 0 || node + kNodeHeaderBytes > page.size()) {
        return corrupt(fmt::format("page {} has a node outside of it", number));
      }
      SLUICE_TRY(depth == 1 ? visit_leaf_node(page.substr(node), visit, found)
                            : walk_branch_node(page.substr(node), depth, visit, found));
    }
    return {};
  }

  Result<void> walk_branch_node(std::string_view node, std::uint32_t depth, Visit visit, Found& found) {
    const std::uint64_t child = number_at<std::uint32_t>(node, 0) | std::uint64_t{number_at<std::uint16_t>(node, 4)}
                                                                        << 32;
    if (kNodeHeaderBytes + number_at<std::uint16_t>(node, 6) > node.size()) return corrupt("a key leaves its page");
    return walk_page(child, depth - 1, visit, found);
  }

  Result<void> visit_leaf_node(std::string_view node, Visit visit, Found& found) {
    const std::uint64_t size = number_at<std::uint32_t>(node, 0);
    const auto flags = number_at<std::uint16_t>(node, 4);
    const std::uint64_t value_at = kNodeHeaderBytes + number_at<std::uint16_t>(node, 6);
    const bool elsewhere = flags == kValueOnOverflowPages;
    if (flags != 0 && !elsewhere) return corrupt("an entry is of a kind that was never written");
    if (value_at + (elsewhere ? 8 : size) > node.size()) return corrupt("an entry leaves its page");
    ++found.entries;
    if (!elsewhere) return (this->*visit)(node.substr(value_at, size));
    return visit_overflow(number_at<std::uint64_t>(node, value_at), size, visit, found);
  }

  Result<void> visit_overflow(std::uint64_t first, std::uint64_t size, Visit visit, Found& found) {
    SLUICE_ASSIGN(const std::string_view head, page_at(first));
    const std::uint64_t pages = number_at<std::uint32_t>(head, 12);
    const std::uint64_t needed = (kPageHeaderBytes - 1 + size) / meta_.page_bytes + 1;
    if (number_at<std::uint16_t>(head, 10) != kOverflowPage || pages != needed || pages - 1 > meta_.last_page - first) {
      return corrupt(fmt::format("the long value on page {} is not whole", first));
    }
    for (std::uint64_t page = first + 1; page < first + pages; ++page) SLUICE_TRY(claim(page));
    found.overflow_pages += pages;
    return (this->*visit)(bytes_.substr(first * meta_.page_bytes + kPageHeaderBytes, size));
  }

  std::string_view bytes_;
  const Meta& meta_;
  std::vector<bool> used_;
  std::vector<std::uint64_t> free_;
};

}  // namespace

Result<void> check_lmdb_file(std::string_view bytes) {
  SLUICE_ASSIGN(const Meta meta, newest_meta(bytes));
  if (meta.last_page >= bytes.size() / meta.page_bytes) {
    return corrupt(fmt::format("the file was cut: {} bytes are there, page {} of {} bytes each is needed", bytes.size(),
                               meta.last_page, meta.page_bytes));
  }
  if (meta.main.flags != 0 || meta.free_pages.flags != kIntegerKeys) return corrupt("a tree has foreign flags");
  return FileCheck(bytes, meta).run();
}

}  // namespace sluice::offsets
