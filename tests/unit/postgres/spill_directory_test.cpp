#include "sluice/postgres/spill_directory.h"

#include <filesystem>

#include "contract/spill_contract.h"
#include "sluice/testing/temporary_directory.h"

namespace sluice::testing {
namespace {

class OwnDirectory : public pgoutput::SpillArea {
 public:
  base::Result<std::unique_ptr<pgoutput::SpillFile>> make_file() override { return spill_.make_file(); }

 private:
  TemporaryDirectory directory_;
  postgres::SpillDirectory spill_{directory_.path()};
};

INSTANTIATE_TEST_SUITE_P(Directory, SpillContract, ::testing::Values([] { return std::make_unique<OwnDirectory>(); }));

TEST(SpillDirectory, LeavesNothingToFind) {
  const TemporaryDirectory directory;
  postgres::SpillDirectory spill(directory.path());
  auto file = *spill.make_file();
  ASSERT_TRUE(file->append("a row"));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path()));
}

TEST(SpillDirectory, SaysWhatIsWrongAndWhatToDo) {
  postgres::SpillDirectory spill("/nowhere/at/all");
  const auto file = spill.make_file();
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().id, "pg.spool_failed");
  EXPECT_EQ(file.error().recovery, base::Recovery::Retry);
  EXPECT_NE(file.error().message.find("/nowhere/at/all: No such file or directory"), std::string::npos)
      << file.error().message;
  EXPECT_NE(file.error().message.find("postgres.streaming: off"), std::string::npos);
}

}  // namespace
}  // namespace sluice::testing
