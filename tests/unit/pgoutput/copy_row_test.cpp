#include "sluice/pgoutput/copy_row.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "item_text.h"

using namespace sluice;
using namespace sluice::pgoutput;
using namespace sluice::testing;
using namespace std::string_view_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

namespace {

class CopyRow : public ::testing::Test {
 protected:
  /// The cells of a line, null as "null"; an error as its id.
  std::vector<std::string> cells(std::string_view line, std::size_t columns) {
    const auto parsed = parser.parse(line, columns, row);
    if (!parsed) {
      message = parsed.error().message;
      return {std::string(parsed.error().id)};
    }
    std::vector<std::string> texts;
    for (const change::Cell& cell : row.cells()) texts.push_back(cell_text(cell));
    return texts;
  }

  CopyRowParser parser;
  change::Row row;
  std::string message;
};

}  // namespace

TEST_F(CopyRow, CellsArePartedByTabs) {
  EXPECT_THAT(cells("1\tAda\t12.50\n", 3), ElementsAre("\"1\"", "\"Ada\"", "\"12.50\""));
}

TEST_F(CopyRow, AnEmptyCellIsAnEmptyStringAndNotNull) {
  EXPECT_THAT(cells("\t\n", 2), ElementsAre("\"\"", "\"\""));
  EXPECT_THAT(cells("\n", 1), ElementsAre("\"\""));
  EXPECT_THAT(cells("\\N\t\n", 2), ElementsAre("null", "\"\""));
}

TEST_F(CopyRow, NullIsTheWholeCellOnly) {
  EXPECT_THAT(cells("\\N\t\\N\tN\t\\\\N\tx\\N\n", 5), ElementsAre("null", "null", "\"N\"", "\"\\N\"", "\"xN\""));
}

TEST_F(CopyRow, AnEscapedNBeforeMoreIsALetter) { EXPECT_THAT(cells("\\Nx\t\\N\n", 2), ElementsAre("\"Nx\"", "null")); }

TEST_F(CopyRow, ALongerLineThanAnyBeforeIsUnescapedToo) {
  ASSERT_TRUE(parser.parse("\\\\\n", 1, row));
  const std::string value(100'000, 'x');
  ASSERT_TRUE(parser.parse(value + "\\t\n", 1, row));
  EXPECT_EQ(row[0].bytes, value + "\t");
}

TEST_F(CopyRow, EveryEscapeIsUndone) {
  ASSERT_TRUE(parser.parse("\\b\\f\\n\\r\\t\\v\\\\\tplain\n", 2, row));
  EXPECT_EQ(row[0].bytes, "\b\f\n\r\t\v\\");
  EXPECT_EQ(row[1].bytes, "plain");
}

TEST_F(CopyRow, OctalAndHexEscapesStandForBytes) {
  ASSERT_TRUE(parser.parse("\\101\\7\\1012\\377\\777\t\\x41\\xF\\x411\\xg\\x\n", 2, row));
  EXPECT_EQ(row[0].bytes, "A\aA2\xFF\xFF"sv) << "three octal digits at most, eight bits of them";
  EXPECT_EQ(row[1].bytes,
            "A\x0F"
            "A1xgx")
      << "two hex digits at most; without any the x is itself";
}

TEST_F(CopyRow, ABackslashBeforeAnyOtherCharacterIsDropped) {
  EXPECT_THAT(cells("\\a\\'\t\\\t2\n", 2), ElementsAre("\"a'\"", "\"\\t2\""))
      << "a tab behind a backslash parts nothing";
}

TEST_F(CopyRow, ACellWithoutABackslashIsAViewIntoTheLine) {
  const std::string line = "Ada\tx\\ty\tBob\n";
  ASSERT_TRUE(parser.parse(line, 3, row));
  EXPECT_EQ(row[0].bytes.data(), line.data());
  EXPECT_EQ(row[2].bytes.data(), line.data() + 9);
}

TEST_F(CopyRow, CellsStayWhereTheyAreWhileTheLineIsRead) {
  std::string line;
  for (int column = 0; column < 500; ++column)
    line += (column == 0 ? "" : "\t") + std::string("\\\\") + std::to_string(column);
  ASSERT_TRUE(parser.parse(line + "\n", 500, row));
  for (std::size_t column = 0; column < 500; ++column) ASSERT_EQ(row[column].bytes, "\\" + std::to_string(column));
}

TEST_F(CopyRow, ATableWithoutColumnsHasEmptyLines) {
  EXPECT_TRUE(parser.parse("\n", 0, row));
  EXPECT_TRUE(row.empty());
  EXPECT_FALSE(parser.parse("x\n", 0, row));
}

TEST_F(CopyRow, AnotherNumberOfColumnsIsAnError) {
  EXPECT_THAT(cells("1\t2\n", 3), ElementsAre("pgoutput.bad_copy_row"));
  EXPECT_THAT(cells("1\t2\t3\t4\n", 3), ElementsAre("pgoutput.bad_copy_row"));
  EXPECT_THAT(cells("1\t\\\\\n", 3), ElementsAre("pgoutput.bad_copy_row"));
  EXPECT_THAT(cells("1\t\\\\\t\t\n", 3), ElementsAre("pgoutput.bad_copy_row"));
}

TEST_F(CopyRow, ALineWithoutItsNewlineIsAnError) {
  EXPECT_THAT(cells("1\t2", 2), ElementsAre("pgoutput.bad_copy_row"));
  EXPECT_THAT(cells("", 1), ElementsAre("pgoutput.bad_copy_row"));
}

TEST_F(CopyRow, ABackslashAtTheEndAndAnEndMarkAreErrors) {
  EXPECT_THAT(cells("1\t2\\\n", 2), ElementsAre("pgoutput.bad_copy_row"));
  EXPECT_THAT(cells("\\.\n", 1), ElementsAre("pgoutput.bad_copy_row"));
}

TEST_F(CopyRow, AnErrorNamesTheColumnButNoValue) {
  cells("public\tsecret\\\n", 2);
  EXPECT_THAT(message, HasSubstr("column 2"));
  EXPECT_THAT(message, Not(HasSubstr("secret")));
}
