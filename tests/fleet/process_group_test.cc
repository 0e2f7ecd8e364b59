// Workers as processes: they come, go when they are idle, and are missed when they die.
#include "fleet/process_group.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "engine/status_matchers.h"
#include "engine/temp_directory.h"

namespace nanogrid {
namespace {

// A worker that writes its pid into a file of its name and waits for SIGTERM.
constexpr char kWorker[] = R"(directory=$0; name=$2
trap 'rm -f "$directory/$name"; exit 0' TERM
echo $$ > "$directory/$name.new" && mv "$directory/$name.new" "$directory/$name"
while :; do sleep 0.05; done
)";

class ProcessGroups : public testing::Test {
 protected:
  std::unique_ptr<WorkerGroup> Make() {
    std::filesystem::create_directory(directory_ / "workers");
    return MakeProcessGroup({.program = "/bin/sh",
                             .arguments = {"-c", kWorker, directory_ / "workers"},
                             .name_prefix = "w"});
  }
  std::set<std::string> Names() {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_ / "workers")) {
      if (entry.path().extension() != ".new") names.insert(entry.path().filename());
    }
    return names;
  }
  void AwaitNames(const std::set<std::string>& names) {
    while (Names() != names) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  pid_t ProcessOf(const std::string& name) {
    pid_t process = 0;
    std::ifstream(directory_ / ("workers/" + name)) >> process;
    return process;
  }

  TempDirectory directory_;
};

TEST_F(ProcessGroups, GrowAndShrinkByThoseThatAreIdle) {
  const auto group = Make();
  EXPECT_EQ(*group->Size({}), 0u);
  ASSERT_THAT(group->Resize({}, 3, {}), IsOk());
  AwaitNames({"w1", "w2", "w3"});
  EXPECT_EQ(*group->Size({}), 3u);
  ASSERT_THAT(group->Resize({}, 1, {"w3", "w1"}), IsOk());
  AwaitNames({"w1", "w3"});
  EXPECT_EQ(*group->Size({}), 2u) << "those that are busy stay";
  ASSERT_THAT(group->Resize({}, 1, {"w1"}), IsOk());
  AwaitNames({"w1"});
  EXPECT_EQ(*group->Size({}), 1u);
}

TEST_F(ProcessGroups, MissWorkersThatDied) {
  const auto group = Make();
  ASSERT_THAT(group->Resize({}, 2, {}), IsOk());
  AwaitNames({"w1", "w2"});
  ASSERT_EQ(::kill(ProcessOf("w1"), SIGKILL), 0);
  while (*group->Size({}) != 1) std::this_thread::yield();
  ASSERT_THAT(group->Resize({}, 2, {}), IsOk());
  AwaitNames({"w1", "w2", "w3"});  // the first could not tidy up
}

TEST_F(ProcessGroups, TakeTheirWorkersWithThem) {
  auto group = Make();
  ASSERT_THAT(group->Resize({}, 2, {}), IsOk());
  AwaitNames({"w1", "w2"});
  group.reset();
  AwaitNames({});
}

TEST_F(ProcessGroups, SayWhatCannotBeStarted) {
  // The program that starts workers is there: what it cannot start is missed soon.
  const auto group = MakeProcessGroup({.program = "/no/such/worker", .name_prefix = "w"});
  ASSERT_THAT(group->Resize({}, 1, {}), IsOk());
  while (*group->Size({}) != 0) std::this_thread::yield();
}

}  // namespace
}  // namespace nanogrid
