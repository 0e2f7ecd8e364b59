#include "core/errors.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace nanogrid {
namespace {

TEST(ErrnoErrorTest, SaysWhatFailedAndWhy) {
  EXPECT_EQ(ErrnoError(ENOENT, "open 'x'").message(),
            "open 'x': No such file or directory (errno 2)");
}

TEST(ErrnoErrorTest, HasTheCodeOfWhatTheCallerCanDo) {
  const std::pair<int, absl::StatusCode> cases[] = {
      {ENOENT, absl::StatusCode::kNotFound},
      {EEXIST, absl::StatusCode::kAlreadyExists},
      {EACCES, absl::StatusCode::kPermissionDenied},
      {ENOSPC, absl::StatusCode::kResourceExhausted},
      {EMFILE, absl::StatusCode::kResourceExhausted},
      {EAGAIN, absl::StatusCode::kUnavailable},
      {ETIMEDOUT, absl::StatusCode::kUnavailable},
      {ENOSYS, absl::StatusCode::kUnimplemented},
      {ELOOP, absl::StatusCode::kFailedPrecondition},
      {EINVAL, absl::StatusCode::kInternal},
      {EIO, absl::StatusCode::kInternal},
  };
  for (const auto& [error, code] : cases) EXPECT_EQ(ErrnoError(error, "x").code(), code) << error;
}

Result<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument("{} is odd", value);
  return value / 2;
}
Result<int> Quarter(int value) {
  NANOGRID_ASSIGN_OR_RETURN(const int half, Half(value));
  NANOGRID_RETURN_IF_ERROR(Half(half).status());
  return Half(half);
}

TEST(ErrorMacrosTest, PassErrorsUpAndValuesOn) {
  EXPECT_EQ(*Quarter(12), 3);
  EXPECT_EQ(Quarter(6).status().message(), "3 is odd");
  EXPECT_EQ(Quarter(5).status().message(), "5 is odd");
}

}  // namespace
}  // namespace nanogrid
