// One version of a row: a cell per column of its TableSchema, as PostgreSQL's text.
//
// Thread rule: one thread. Cells are views; they live as long as the bytes they were read from (a message in a receive
// buffer), unless own() has copied them.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::change {

enum class CellKind : std::uint8_t {
  Null,
  Unchanged,  ///< an out-of-line value that was not changed and therefore not sent; never to be read as null
  Text,
  Binary,
};

struct Cell {
  CellKind kind = CellKind::Null;
  std::string_view bytes;
};

class Row {
 public:
  void clear() { cells_.clear(); }
  void add(Cell cell) { cells_.push_back(cell); }
  /// Makes the row `size` nulls and hands them out to be set: cheaper than as many add().
  std::span<Cell> refill(std::size_t size) {
    cells_.clear();
    cells_.resize(size);
    return cells_;
  }
  void replace(std::size_t ordinal, Cell cell) { cells_[ordinal] = cell; }

  std::span<const Cell> cells() const { return cells_; }
  const Cell& operator[](std::size_t ordinal) const { return cells_[ordinal]; }
  std::size_t size() const { return cells_.size(); }
  bool empty() const { return cells_.empty(); }

  /// A row whose cells point into a buffer of its own, for whoever keeps it beyond the receive buffer.
  Row owned() const;

  Row() = default;
  Row(Row&&) = default;
  Row& operator=(Row&&) = default;
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;

 private:
  std::vector<Cell> cells_;
  std::vector<char> storage_;  // a vector keeps its address when moved, a short std::string does not
};

}  // namespace sluice::change
