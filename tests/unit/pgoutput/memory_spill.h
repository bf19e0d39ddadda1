// A SpillArea in memory that can run full. Header only, since only tests of pgoutput and postgres need it.
//
// Thread rule: one thread.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "sluice/pgoutput/spill.h"

namespace sluice::testing {

class MemorySpill : public pgoutput::SpillArea {
 public:
  base::Result<std::unique_ptr<pgoutput::SpillFile>> make_file() override {
    if (is_full) return full();
    ++files_made;
    return std::make_unique<File>(*this);
  }

  bool is_full = false;
  int files_made = 0;
  int files_open = 0;

 private:
  static tl::unexpected<base::Error> full() {
    return base::fail(base::Recovery::Retry, "pg.spool_failed", "the memory of the test is full");
  }

  class File final : public pgoutput::SpillFile {
   public:
    explicit File(MemorySpill& area) : area_(area) { ++area_.files_open; }
    ~File() override { --area_.files_open; }
    base::Result<void> append(std::string_view bytes) override {
      if (area_.is_full) return full();
      bytes_.append(bytes);
      return {};
    }
    base::Result<void> read(std::uint64_t offset, std::span<char> out) override {
      std::memcpy(out.data(), bytes_.data() + offset, out.size());
      return {};
    }
    base::Result<void> truncate(std::uint64_t size) override {
      bytes_.resize(static_cast<std::size_t>(size));
      return {};
    }

   private:
    MemorySpill& area_;
    std::string bytes_;
  };
};

}  // namespace sluice::testing
