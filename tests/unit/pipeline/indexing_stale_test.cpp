// The alarm of rule E-10: the mirror has newer versions than what comes.
#include "unit/pipeline/indexing_fixture.h"

using namespace sluice;
using namespace sluice::pipeline;

namespace {

/// A record becomes one document of a mirror, its version the record's offset + 1.
class MirrorOfValues final : public DocumentMaker {
 public:
  base::Result<MakeStatus> make(const Partition&, const ConsumedRecord& record, DocumentBatch& documents,
                                std::vector<Sweep>&) override {
    Document document;
    document.action = DocumentAction::Index;
    document.version_type = VersionType::External;
    document.version = static_cast<std::uint64_t>(record.offset) + 1;
    document.index = "a";
    document.id = record.value;
    document.body = "{}";
    documents.append(document);
    return MakeStatus::Made;
  }
  base::Result<void> prepare() override { return {}; }
  std::string event_id(const ConsumedRecord&) const override { return {}; }
  base::Result<void> after_checkpoint() override { return {}; }
};

class StaleDeliveriesTest : public IndexingTest {
 protected:
  void start_mirror() {
    source.emplace(topic);
    sink.emplace(engine);
    sink->refuses = [this](const Document& document) { return judge(document); };
    indexing.emplace(options, IndexingPorts{*source, *sink, letters, admin, mirror, warnings, [this] { return now; }});
    settle();
  }
  /// So many records of each kind come and are answered.
  void deliver(int superseded, int written) {
    answers["a/old"] = ItemOutcome::Superseded;
    for (int i = 0; i < superseded; ++i) append("old");
    for (int i = 0; i < written; ++i) append("new");
    settle_after(Milliseconds(10));
    settle_after(Milliseconds(10));
  }
  std::optional<StaleDeliveries> stale() const { return indexing->status().stale; }

  MirrorOfValues mirror;
};

constexpr Milliseconds kMinute{60'000};

}  // namespace

TEST_F(StaleDeliveriesTest, AreTooManyWhenMoreThanHalfOfAMinuteAreSuperseded) {
  start_mirror();
  deliver(51, 49);
  EXPECT_FALSE(stale()) << "the minute is not over";
  settle_after(kMinute);
  ASSERT_TRUE(stale());
  EXPECT_EQ(stale()->superseded, 51u);
  EXPECT_EQ(stale()->of, 100u);
}

TEST_F(StaleDeliveriesTest, AreNotTooManyWhenHalfAreSuperseded) {
  start_mirror();
  deliver(50, 50);
  settle_after(kMinute);
  EXPECT_FALSE(stale());
}

TEST_F(StaleDeliveriesTest, AreJudgedWhenThereAreAHundredHoweverLongThatTakes) {
  start_mirror();
  deliver(99, 0);
  settle_after(kMinute);
  EXPECT_FALSE(stale());
  deliver(1, 0);
  settle();
  EXPECT_TRUE(stale());
}

TEST_F(StaleDeliveriesTest, AreOverWithAMinuteThatIsAsItShouldBe) {
  start_mirror();
  deliver(100, 0);
  settle_after(kMinute);
  ASSERT_TRUE(stale());
  settle_after(kMinute);
  EXPECT_TRUE(stale()) << "a minute without anything says nothing";
  deliver(0, 100);
  settle_after(kMinute);
  EXPECT_FALSE(stale());
}

TEST_F(StaleDeliveriesTest, CountOnlyWhatCameAfterThePartition) {
  for (int i = 0; i < 200; ++i) append("old");
  answers["a/old"] = ItemOutcome::Superseded;
  start_mirror();
  settle_after(Milliseconds(10));
  settle_after(kMinute);
  EXPECT_EQ(indexing->status().counters.documents_superseded, 200u);
  EXPECT_EQ(indexing->status().counters.first_superseded, 0u) << "an earlier life may have written them";
  EXPECT_FALSE(stale());
}

TEST_F(StaleDeliveriesTest, CountNoSecondAttempt) {
  start_mirror();
  answers["a/old"] = ItemOutcome::Retry;
  append("old");
  settle();
  settle_after(Milliseconds(10));
  deliver(0, 1);
  for (int i = 0; i < 20; ++i) settle_after(Milliseconds(100));
  EXPECT_EQ(indexing->status().counters.documents_superseded, 1u);
  EXPECT_EQ(indexing->status().counters.first_superseded, 0u);
  EXPECT_EQ(indexing->status().counters.first_written, 1u);
}

TEST_F(StaleDeliveriesTest, CountNoDocumentOfAJournal) {
  start();
  settle();
  answers["a/1"] = ItemOutcome::Superseded;
  append("1");
  settle();
  settle_after(Milliseconds(10));
  EXPECT_EQ(indexing->status().counters.documents_superseded, 1u);
  EXPECT_EQ(indexing->status().counters.first_superseded, 0u);
}
