// When it is looked for an answer before going to sleep.
#include "sandbox/common/spin_habit.h"

#include <gtest/gtest.h>

namespace nanogrid {
namespace {

// How many invocations pass until it is due again.
uint32_t Pause(SpinHabit& habit) {
  uint32_t pause = 0;
  while (!habit.IsDue()) ++pause;
  return pause;
}

TEST(SpinHabit, ItIsDueEachTimeWhileItHelps) {
  SpinHabit habit;
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(Pause(habit), 0u);
    habit.Learn(true);
  }
}

TEST(SpinHabit, ItIsTriedEverLessOftenWhileItDoesNot) {
  SpinHabit habit;
  for (const uint32_t pause : {1u, 3u, 7u, 15u, 31u, 63u, 127u, 127u, 127u}) {
    EXPECT_TRUE(habit.IsDue());
    habit.Learn(false);
    EXPECT_EQ(Pause(habit), pause);
  }
}

TEST(SpinHabit, OneSuccessMakesItUsualAgain) {
  SpinHabit habit;
  for (int i = 0; i < 5; ++i) habit.Learn(false);
  EXPECT_GT(Pause(habit), 1u);
  habit.Learn(true);
  EXPECT_EQ(Pause(habit), 0u);
  habit.Learn(false);
  EXPECT_EQ(Pause(habit), 1u);
}

}  // namespace
}  // namespace nanogrid
