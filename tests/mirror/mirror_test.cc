// A mirror whose sides come and go.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>
#include <thread>

#include "core/temporary_directory.h"
#include "mirror/entry.h"
#include "mirror/faulty_store.h"
#include "nanogrid/adapters/memory.h"
#include "nanogrid/adapters/mirror.h"

namespace nanogrid {
namespace {

using Code = absl::StatusCode;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

// Of somebody who accepted everything long ago.
class LateClock final : public Clock {
 public:
  TimePoint Now() const override { return System().Now(); }
  SystemTime WallNow() const override { return System().WallNow() - hours(1); }
};

class Mirror : public testing::Test {
 protected:
  void SetUp() override { Open(); }

  void Open(MirrorOptions options = {}) {
    mirror_.reset();
    options.outbox = directory_.path().string();
    options.primary_pause = Duration::zero();
    options.retry_base = milliseconds(1);
    options.retry_cap = milliseconds(5);
    auto opened =
        MakeMirroredStore(std::make_unique<FaultyStore>(*first_, first_faults_),
                          std::make_unique<FaultyStore>(*second_, second_faults_), options);
    ASSERT_TRUE(opened.ok()) << opened.status();
    mirror_ = *std::move(opened);
  }
  Status Put(const std::string& key, std::string_view content, WriteOptions options = {}) {
    return WriteObject(Context{}, *mirror_, key, content, options).status();
  }
  // The content, or the error's code.
  static std::string In(ObjectStore& store, const std::string& key) {
    const auto content = ReadObject(Context{}, store, key);
    return content.ok() ? *content : absl::StatusCodeToString(content.status().code());
  }
  std::string Get(const std::string& key) { return In(*mirror_, key); }
  std::vector<std::string> Keys(size_t limit = 1000) {
    std::vector<std::string> keys;
    std::string cursor;
    do {
      const auto page = mirror_->List(Context{}, "", cursor, limit);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      for (const ObjectInfo& object : page->objects) keys.push_back(object.key);
      cursor = page->cursor;
    } while (!cursor.empty());
    return keys;
  }
  void Flush() {
    const Status flushed = mirror_->Flush(Context::WithTimeout(seconds(30)));
    EXPECT_TRUE(flushed.ok()) << flushed << mirror_->stats().last_error;
  }
  void ExpectEqual() {
    Flush();
    const auto report = mirror_->Verify(Context{}, "", false);
    ASSERT_TRUE(report.ok()) << report.status();
    EXPECT_TRUE(report->Equal()) << testing::PrintToString(report->details);
  }
  // The process dies: nothing is said to anybody, and what the threads were at is lost.
  void Restart(bool second_away = false) {
    second_faults_.away = second_away;
    Open();
  }

  const std::unique_ptr<ObjectStore> first_ = MakeMemoryObjectStore();
  const std::unique_ptr<ObjectStore> second_ = MakeMemoryObjectStore();
  Faults first_faults_;
  Faults second_faults_;
  TemporaryDirectory directory_;
  std::unique_ptr<MirroredStore> mirror_;
};

TEST_F(Mirror, WhatIsWrittenIsInBothAfterAWhile) {
  ASSERT_TRUE(Put("a", "1").ok());
  ASSERT_TRUE(Put("b", std::string(3'000'000, 'b')).ok());
  Flush();
  EXPECT_EQ(In(*second_, "a"), "1");
  ASSERT_TRUE(mirror_->Remove(Context{}, "a").ok());
  ExpectEqual();
  EXPECT_EQ(In(*second_, "a"), "NOT_FOUND");
  EXPECT_EQ(mirror_->stats().pending, 0u);
}

TEST_F(Mirror, AWriteDoesNotWaitForTheSecondStore) {
  second_faults_.away = true;
  ASSERT_TRUE(Put("a", "1").ok());
  ASSERT_TRUE(Put("a", "2").ok());
  ASSERT_TRUE(Put("gone", "x").ok());
  ASSERT_TRUE(mirror_->Remove(Context{}, "gone").ok());
  EXPECT_EQ(Get("a"), "2");
  EXPECT_EQ(Get("gone"), "NOT_FOUND");
  EXPECT_EQ(mirror_->Flush(Context::WithTimeout(milliseconds(20))).code(), Code::kDeadlineExceeded);
  EXPECT_EQ(mirror_->stats().pending, 2u);
  second_faults_.away = false;
  ExpectEqual();
  EXPECT_EQ(In(*second_, "a"), "2");
}

TEST_F(Mirror, WhatTheSecondStoreLacksIsKnownAfterARestart) {
  second_faults_.away = true;
  ASSERT_TRUE(Put("a", "1").ok());
  ASSERT_TRUE(Put("b", "2").ok());
  ASSERT_TRUE(mirror_->Remove(Context{}, "b").ok());
  ASSERT_TRUE(WriteObject(Context{}, *second_, "b", "left over").ok());
  Restart();
  ExpectEqual();
  EXPECT_EQ(In(*second_, "a"), "1");
  EXPECT_EQ(In(*second_, "b"), "NOT_FOUND");
}

TEST_F(Mirror, ReadsAndListsComeFromTheSecondStoreWhenThePrimaryIsAway) {
  ASSERT_TRUE(Put("a", "1").ok());
  ASSERT_TRUE(Put("b", "2").ok());
  Flush();
  first_faults_.away = true;
  EXPECT_EQ(Get("a"), "1");
  EXPECT_TRUE(mirror_->Stat(Context{}, "b").ok());
  EXPECT_EQ(Keys(1), (std::vector<std::string>{"a", "b"}));
  EXPECT_GE(mirror_->stats().fallback_reads, 4u);
  // The primary may have what the second store lacks.
  EXPECT_EQ(Get("c"), "UNAVAILABLE");
}

TEST_F(Mirror, WhatThePrimaryHasLostIsReadFromTheSecondStore) {
  ASSERT_TRUE(Put("a", "1").ok());
  Flush();
  ASSERT_TRUE(first_->Remove(Context{}, "a").ok());
  EXPECT_EQ(Get("a"), "1");
  EXPECT_EQ(Get("b"), "NOT_FOUND");
}

TEST_F(Mirror, WritesWithoutThePrimaryAreReadAtOnceAndDeliveredLater) {
  ASSERT_TRUE(Put("old", "1").ok());
  ASSERT_TRUE(Put("removed", "1").ok());
  Flush();
  first_faults_.away = true;
  second_faults_.away = true;
  const auto written = WriteObject(Context{}, *mirror_, "new", "2");
  ASSERT_TRUE(written.ok()) << written.status();
  ASSERT_TRUE(Put("old", "3").ok());
  ASSERT_TRUE(mirror_->Remove(Context{}, "removed").ok());
  EXPECT_EQ(Get("new"), "2");
  EXPECT_EQ(Get("old"), "3");
  EXPECT_EQ(Get("removed"), "NOT_FOUND");
  EXPECT_EQ(mirror_->Stat(Context{}, "new")->etag, written->etag);
  EXPECT_EQ(mirror_->stats().pending_bytes, 2u);
  second_faults_.away = false;
  EXPECT_EQ(Keys(1), (std::vector<std::string>{"new", "old"}));
  first_faults_.away = false;
  ExpectEqual();
  EXPECT_EQ(In(*first_, "new"), "2");
  EXPECT_EQ(In(*first_, "old"), "3");
  EXPECT_EQ(In(*first_, "removed"), "NOT_FOUND");
  EXPECT_EQ(mirror_->stats().pending_bytes, 0u);
}

TEST_F(Mirror, OthersReadFromTheSecondStoreWhatThePrimaryCouldNotTake) {
  first_faults_.away = true;
  ASSERT_TRUE(Put("a", "1").ok());
  while (In(*second_, "a") != "1") std::this_thread::yield();
  first_faults_.away = false;
  ExpectEqual();
}

TEST_F(Mirror, WhatWasAcceptedSurvivesARestart) {
  first_faults_.away = true;
  second_faults_.away = true;
  ASSERT_TRUE(Put("a", "1").ok());
  ASSERT_TRUE(Put("a", "2").ok());
  ASSERT_TRUE(Put("b", "3").ok());
  ASSERT_TRUE(mirror_->Remove(Context{}, "b").ok());
  Restart(true);
  EXPECT_EQ(Get("a"), "2");
  EXPECT_EQ(Get("b"), "NOT_FOUND");
  first_faults_.away = false;
  second_faults_.away = false;
  ExpectEqual();
  EXPECT_EQ(In(*first_, "a"), "2");
  EXPECT_EQ(In(*first_, "b"), "NOT_FOUND");
  // Nothing is left but the directory for files on their way.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path()), {}), 1);
}

TEST_F(Mirror, WritesBehindOnesThatWaitKeepTheirOrder) {
  first_faults_.away = true;
  ASSERT_TRUE(Put("a", "1").ok());
  first_faults_.away = false;
  ASSERT_TRUE(Put("a", "2").ok());
  ExpectEqual();
  EXPECT_EQ(In(*first_, "a"), "2");
}

TEST_F(Mirror, IfAbsentWithoutThePrimaryAsksTheSecondStoreAndTheOutbox) {
  ASSERT_TRUE(Put("there", "1").ok());
  Flush();
  first_faults_.away = true;
  EXPECT_EQ(Put("there", "2", {.if_absent = true}).code(), Code::kAlreadyExists);
  EXPECT_TRUE(Put("new", "1", {.if_absent = true}).ok());
  EXPECT_EQ(Put("new", "2", {.if_absent = true}).code(), Code::kAlreadyExists);
  ASSERT_TRUE(mirror_->Remove(Context{}, "new").ok());
  EXPECT_TRUE(Put("new", "3", {.if_absent = true}).ok());
  second_faults_.away = true;
  EXPECT_EQ(Put("other", "1", {.if_absent = true}).code(), Code::kUnavailable);
  first_faults_.away = false;
  second_faults_.away = false;
  ExpectEqual();
  EXPECT_EQ(In(*first_, "new"), "3");
}

TEST_F(Mirror, OfTwoThatAcceptedTheSameTheFirstToArriveStays) {
  first_faults_.away = true;
  ASSERT_TRUE(Put("a", "mine", {.if_absent = true}).ok());
  ASSERT_TRUE(WriteObject(Context{}, *first_, "a", "theirs").ok());
  first_faults_.away = false;
  ExpectEqual();
  EXPECT_EQ(In(*second_, "a"), "theirs");
  EXPECT_EQ(mirror_->stats().conflicts, 1u);
}

TEST_F(Mirror, WhatSomebodyElseWroteLaterIsNotReplaced) {
  const LateClock clock;
  Open({.clock = &clock});
  first_faults_.away = true;
  ASSERT_TRUE(Put("a", "older").ok());
  ASSERT_TRUE(mirror_->Remove(Context{}, "b").ok());
  ASSERT_TRUE(WriteObject(Context{}, *first_, "a", "newer").ok());
  ASSERT_TRUE(WriteObject(Context{}, *first_, "b", "newer").ok());
  first_faults_.away = false;
  ExpectEqual();
  EXPECT_EQ(In(*second_, "a"), "newer");
  EXPECT_EQ(In(*second_, "b"), "newer");
  EXPECT_EQ(mirror_->stats().conflicts, 2u);
}

TEST_F(Mirror, WithoutLeaveToAcceptAWriteFailsWithThePrimary) {
  Open({.accept_when_primary_down = false});
  first_faults_.away = true;
  EXPECT_EQ(Put("a", "1").code(), Code::kUnavailable);
  EXPECT_EQ(mirror_->Remove(Context{}, "a").code(), Code::kUnavailable);
  first_faults_.away = false;
  ExpectEqual();
  EXPECT_EQ(Get("a"), "NOT_FOUND");
}

TEST_F(Mirror, AFullOutboxSaysSo) {
  Open({.max_outbox_bytes = 10});
  first_faults_.away = true;
  EXPECT_TRUE(Put("a", "12345678").ok());
  EXPECT_EQ(Put("b", "123").code(), Code::kResourceExhausted);
  EXPECT_TRUE(Put("a", "1234567890").ok());
  first_faults_.away = false;
  ExpectEqual();
}

TEST_F(Mirror, OnlyWhatIsWantedIsCopied) {
  Open({.prefixes = {"code/"}});
  ASSERT_TRUE(Put("code/a", "1").ok());
  ASSERT_TRUE(Put("jobs/a", "2").ok());
  ASSERT_TRUE(Put("jobs/b", "3").ok());
  Flush();
  EXPECT_EQ(In(*second_, "code/a"), "1");
  EXPECT_EQ(In(*second_, "jobs/a"), "NOT_FOUND");
  ASSERT_TRUE(mirror_->Archive(Context{}, "jobs/b").ok());
  ExpectEqual();
  EXPECT_EQ(In(*second_, "jobs/b"), "3");
  ASSERT_TRUE(mirror_->Remove(Context{}, "jobs/b").ok());
  ExpectEqual();
  EXPECT_EQ(In(*second_, "jobs/b"), "NOT_FOUND");
}

TEST_F(Mirror, VerifyFindsAndRepairsEveryDifference) {
  for (const char* const key : {"changed", "lost first", "lost second", "same"}) {
    ASSERT_TRUE(Put(key, "right").ok());
  }
  Flush();
  ASSERT_TRUE(WriteObject(Context{}, *second_, "changed", "wrong").ok());
  ASSERT_TRUE(first_->Remove(Context{}, "lost first").ok());
  ASSERT_TRUE(second_->Remove(Context{}, "lost second").ok());
  auto report = mirror_->Verify(Context{}, "", false);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_FALSE(report->Equal());
  EXPECT_EQ(report->objects, 4u);
  EXPECT_EQ(report->equal, 1u);
  EXPECT_THAT(report->details,
              testing::ElementsAre("different: changed", "only in the second: lost first",
                                   "only in the primary: lost second"));
  report = mirror_->Verify(Context{}, "", true);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->repaired, 3u);
  ExpectEqual();
  for (const char* const key : {"changed", "lost first", "lost second"}) {
    EXPECT_EQ(In(*first_, key), "right");
    EXPECT_EQ(In(*second_, key), "right");
  }
  first_faults_.away = true;
  EXPECT_EQ(mirror_->Verify(Context{}, "", true).status().code(), Code::kUnavailable);
}

// What a user of the mirror does, and what must be there afterwards. A call that fails may have
// been carried out or not.
TEST_F(Mirror, EachSideMayFailAtEveryCall) {
  for (const bool first : {true, false}) {
    for (const bool after : {false, true}) {
      Faults& faults = first ? first_faults_ : second_faults_;
      int64_t call = 0;
      for (int64_t calls = 1; call < calls; ++call) {
        SCOPED_TRACE(testing::Message() << (first ? "first" : "second") << " call " << call
                                        << (after ? " after" : ""));
        faults.calls = 0;
        faults.after = after;
        faults.fail_call = call;
        std::map<std::string, std::vector<std::string>> expected;
        const auto note = [&](const std::string& key, const std::string& content, const Status& s) {
          if (s.ok()) expected[key].clear();
          expected[key].push_back(content);
        };
        note("a", "1", Put("a", "1"));
        note("a", "2", Put("a", "2"));
        note("b", "1", Put("b", "1"));
        note("b", "NOT_FOUND", mirror_->Remove(Context{}, "b"));
        note("c", "1", Put("c", "1", {.if_absent = true}));
        // A read that breaks off half-way is not begun anew: the sink has seen a part.
        std::string content = Get("a");
        if (content == "UNAVAILABLE") content = Get("a");
        EXPECT_THAT(expected["a"], testing::Contains(content));
        Flush();
        calls = faults.calls;
        faults.fail_call = -1;
        ExpectEqual();
        for (const auto& [key, contents] : expected) {
          EXPECT_THAT(contents, testing::Contains(In(*first_, key))) << key;
          EXPECT_EQ(In(*second_, key), In(*first_, key)) << key;
          ASSERT_TRUE(mirror_->Remove(Context{}, key).ok());
        }
        Flush();
      }
      EXPECT_GT(call, 5);
    }
  }
}

TEST_F(Mirror, AKeyThatIsWrittenAllTheTimeIsNoFailure) {
  int writes = 0;
  second_faults_.after_write = [&] {
    if (++writes >= 30) return;
    EXPECT_TRUE(Put("busy", std::to_string(writes)).ok());
  };
  ASSERT_TRUE(Put("busy", "0").ok());
  ExpectEqual();
  EXPECT_EQ(In(*second_, "busy"), "29");
  EXPECT_EQ(mirror_->stats().failed_attempts, 0u);
}

// Somebody else's changes are not known to the outbox: it tries again later.
TEST_F(Mirror, AKeyThatSomebodyElseWritesAllTheTimeIsTriedAgain) {
  int writes = 0;
  second_faults_.after_write = [&] {
    if (++writes >= 30) return;
    EXPECT_TRUE(WriteObject(Context{}, *first_, "busy", std::to_string(writes)).ok());
  };
  ASSERT_TRUE(Put("busy", "0").ok());
  ExpectEqual();
  EXPECT_EQ(In(*second_, "busy"), "29");
  EXPECT_GT(mirror_->stats().failed_attempts, 0u);
}

TEST_F(Mirror, AnOutboxBelongsToOneProcessAndErrorsNameIt) {
  const std::string outbox = directory_.path().string();
  const auto open = [&](const std::string& path) {
    return MakeMirroredStore(MakeMemoryObjectStore(), MakeMemoryObjectStore(), {.outbox = path})
        .status();
  };
  EXPECT_EQ(open(outbox).code(), Code::kAlreadyExists);
  EXPECT_THAT(open(outbox).message(), testing::HasSubstr(outbox));
  EXPECT_EQ(open("").code(), Code::kInvalidArgument);
  EXPECT_EQ(MakeMirroredStore(nullptr, MakeMemoryObjectStore(), {.outbox = outbox}).status().code(),
            Code::kInvalidArgument);
}

TEST(MirrorEntry, IsReadBackAsItWasWritten) {
  const mirror::Entry entry{.key = "a/ä\n",
                            .number = 7,
                            .primary = mirror::Primary::kWrite,
                            .remove = true,
                            .if_absent = true,
                            .accepted = SystemTime(milliseconds(1234)),
                            .size = 5,
                            .sha256 = "hash",
                            .earlier = {"x", "y"}};
  const auto read = mirror::ParseEntry(mirror::EntryJson(entry));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(mirror::EntryJson(*read), mirror::EntryJson(entry));
  for (const char* const text : {"", "{}", "[]", R"({"key": "a"})"}) {
    EXPECT_EQ(mirror::ParseEntry(text).status().code(), Code::kDataLoss) << text;
  }
}

}  // namespace
}  // namespace nanogrid
