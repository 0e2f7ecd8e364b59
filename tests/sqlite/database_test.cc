// Batches, turns between processes, and contexts that end while somebody waits for his turn.
#include "sqlite/database.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "core/errors.h"
#include "sqlite/temporary_database.h"

namespace nanogrid::sqlite {
namespace {

Database::Work Insert(int number) {
  return [number](Connection& connection) {
    return Query(connection, "INSERT INTO messages VALUES(?1, 0, 0, 0, 'x')", number).Run();
  };
}

class DatabaseTest : public testing::Test {
 protected:
  Status Write(const Database::Work& change, const Context& context = {}) {
    return database_->Write(context, Clock::System(), Topic::kNothing, change);
  }
  int64_t CountMessages() {
    int64_t count = -1;
    const Status status = database_->Read([&](Connection& connection) -> Status {
      Query query(connection, "SELECT count(*) FROM messages");
      EXPECT_TRUE(query.Next().value_or(false));
      count = query.Int(0);
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    return count;
  }

  // Keeps the writing thread busy from construction until Release.
  class Blocker {
   public:
    explicit Blocker(DatabaseTest& test)
        : thread_([this, &test] {
            EXPECT_TRUE(test.Write([this](Connection&) {
                              entered_.count_down();
                              released_.wait();
                              return absl::OkStatus();
                            })
                            .ok());
          }) {
      entered_.wait();
    }
    void Release() { released_.count_down(); }

   private:
    std::latch entered_{1}, released_{1};
    std::jthread thread_;
  };

  TemporaryDatabase directory_;
  std::shared_ptr<Database> database_ = Database::Open(directory_.path()).value();
};

TEST_F(DatabaseTest, AChangeThatFailsIsUndoneAlone) {
  const Status wanted = FailedPrecondition("no");
  Blocker blocker(*this);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 10; ++i) {
    threads.emplace_back([&, i] {
      const Status status = Write([&](Connection& connection) -> Status {
        NANOGRID_RETURN_IF_ERROR(Insert(i)(connection));
        return i % 2 == 0 ? absl::OkStatus() : wanted;
      });
      EXPECT_EQ(status, i % 2 == 0 ? absl::OkStatus() : wanted);
    });
  }
  blocker.Release();
  threads.clear();
  EXPECT_EQ(CountMessages(), 5);
}

TEST_F(DatabaseTest, AFailureOfTheTransactionIsEverybodys) {
  Blocker blocker(*this);
  std::vector<std::jthread> threads;
  std::atomic<int> failed = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const Status status = Write([&](Connection& connection) -> Status {
        NANOGRID_RETURN_IF_ERROR(Insert(i)(connection));
        // As SQLite does when the disk is full.
        if (i == 3) NANOGRID_RETURN_IF_ERROR(connection.Execute("ROLLBACK"));
        return i == 3 ? absl::ResourceExhaustedError("full") : absl::OkStatus();
      });
      if (!status.ok()) ++failed;
    });
  }
  blocker.Release();
  threads.clear();
  // Who was in the same batch has the same error and left nothing.
  EXPECT_EQ(CountMessages(), 4 - failed);
  EXPECT_GE(failed, 1);
}

TEST_F(DatabaseTest, WhoGivesUpWhileWaitingChangedNothing) {
  Blocker blocker(*this);
  std::stop_source stop;
  std::jthread waiting([&] {
    EXPECT_EQ(Write(Insert(1), Context::WithStop(stop.get_token())).code(),
              absl::StatusCode::kCancelled);
  });
  std::jthread limited([&] {
    EXPECT_EQ(Write(Insert(2), Context::WithTimeout(std::chrono::milliseconds(5))).code(),
              absl::StatusCode::kDeadlineExceeded);
  });
  limited.join();
  stop.request_stop();
  waiting.join();
  blocker.Release();
  EXPECT_TRUE(Write(Insert(3)).ok());
  EXPECT_EQ(CountMessages(), 1);
}

TEST_F(DatabaseTest, AReaderSeesOneStateAndWaitsForNobody) {
  ASSERT_TRUE(Write(Insert(1)).ok());
  const Status status = database_->Read([&](Connection& connection) -> Status {
    const auto count = [&]() -> int64_t {
      Query query(connection, "SELECT count(*) FROM messages");
      return query.Next().value_or(false) ? query.Int(0) : -1;
    };
    EXPECT_EQ(count(), 1);
    EXPECT_TRUE(Write(Insert(2)).ok());
    EXPECT_EQ(count(), 1);
    return absl::OkStatus();
  });
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(CountMessages(), 2);
}

TEST(FileLockTest, WhoAsksAgainAtOnceStarvesNobody) {
  const TemporaryDirectory directory;
  const std::string path = (directory.path() / "lock").string();
  constexpr int kTurns = 200;
  std::atomic<bool> done = false, begun = false;
  std::atomic<int> held = 0;  // atomic only for the thread sanitizer, which knows no file locks
  std::jthread greedy([&] {
    FileLock lock = FileLock::Open(path).value();
    while (!done) {
      ASSERT_TRUE(lock.Acquire().ok());
      EXPECT_EQ(++held, 1);
      --held;
      lock.Release();
      begun = true;
      begun.notify_all();
    }
  });
  begun.wait(false);
  FileLock lock = FileLock::Open(path).value();
  for (int turn = 0; turn < kTurns; ++turn) {
    ASSERT_TRUE(lock.Acquire().ok());
    EXPECT_EQ(++held, 1);
    --held;
    lock.Release();
  }
  done = true;
}

}  // namespace
}  // namespace nanogrid::sqlite
