// An IndexAdmin over a MemorySearchEngine.
//
// Thread rule: one thread.
#pragma once

#include "sluice/pipeline/index_admin.h"
#include "sluice/testing/memory_search_engine.h"

namespace sluice::testing {

class MemoryIndexAdmin final : public pipeline::IndexAdmin {
 public:
  explicit MemoryIndexAdmin(MemorySearchEngine& engine) : engine_(engine) {}

  /// While set, every call fails with it.
  std::optional<base::Error> fails_with;

  base::Result<void> ensure_journal(std::string_view index) override {
    return unless_failing([&] { engine_.create_index(index); });
  }
  base::Result<void> ensure_mirror(std::string_view index, std::string_view properties) override {
    (void)properties;
    return unless_failing([&] { engine_.create_index(index); });
  }
  base::Result<void> publish(std::string_view alias, std::string_view index) override {
    return unless_failing([&] { engine_.aliases.insert_or_assign(std::string(alias), std::string(index)); });
  }
  base::Result<std::optional<std::string>> published(std::string_view alias) override {
    return found_in(engine_.aliases, alias);
  }
  base::Result<void> refresh(std::string_view index) override {
    (void)index;
    return unless_failing([] {});
  }
  base::Result<void> store(std::string_view id, std::string_view json) override {
    return unless_failing([&] { engine_.bookkeeping.insert_or_assign(std::string(id), std::string(json)); });
  }
  base::Result<std::optional<std::string>> load(std::string_view id) override {
    return found_in(engine_.bookkeeping, id);
  }

 private:
  template <class Action>
  base::Result<void> unless_failing(Action action) {
    if (fails_with) return tl::make_unexpected(*fails_with);
    action();
    return {};
  }

  base::Result<std::optional<std::string>> found_in(const std::map<std::string, std::string, std::less<>>& map,
                                                    std::string_view key) {
    if (fails_with) return tl::make_unexpected(*fails_with);
    const auto found = map.find(key);
    if (found == map.end()) return std::nullopt;
    return found->second;
  }

  MemorySearchEngine& engine_;
};

}  // namespace sluice::testing
