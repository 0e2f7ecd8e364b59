// What every SecretSource must do (secret_source.h). In one source file of a GoogleTest program, in
// namespace nanogrid:
//
//   #include "nanogrid/testing/secret_source_conformance.h"
//   INSTANTIATE_TEST_SUITE_P(Mine, SecretSourceConformance, testing::Values(
//       SecretSourceAdapter{"mine", [] { return MakeMySource(); }, PutMySecret}));
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include "nanogrid/secret_source.h"

namespace nanogrid {

struct SecretSourceAdapter {
  std::string name{};
  std::function<std::unique_ptr<SecretSource>()> make{};
  // Makes or replaces a secret behind the source's back.
  std::function<void(const std::string& name, const std::string& value)> put{};
};
inline void PrintTo(const SecretSourceAdapter& adapter, std::ostream* out) { *out << adapter.name; }

class SecretSourceConformance : public testing::TestWithParam<SecretSourceAdapter> {
 protected:
  using Code = absl::StatusCode;

  void SetUp() override { source_ = GetParam().make(); }
  void Put(const std::string& name, const std::string& value) { GetParam().put(name, value); }
  std::string Get(const std::string& name) {
    const Result<std::string> secret = source_->Get(Context{}, name);
    EXPECT_TRUE(secret.ok()) << secret.status();
    return secret.ok() ? *secret : "";
  }
  Status Error(std::string_view name) { return source_->Get(Context{}, name).status(); }

  std::unique_ptr<SecretSource> source_;
};

TEST_P(SecretSourceConformance, AnswersWhatThereIs) {
  Put("db/password", "correct horse");
  Put("token", "=");
  EXPECT_EQ(Get("db/password"), "correct horse");
  EXPECT_EQ(Get("token"), "=");
}

TEST_P(SecretSourceConformance, ARotatedSecretIsTheNewOne) {
  Put("rotated", "old");
  EXPECT_EQ(Get("rotated"), "old");
  Put("rotated", "new");
  EXPECT_EQ(Get("rotated"), "new");
}

TEST_P(SecretSourceConformance, OneThatIsNotThereIsNotFoundByName) {
  EXPECT_EQ(Error("nothing/here").code(), Code::kNotFound);
  EXPECT_NE(Error("nothing/here").message().find("nothing/here"), std::string::npos);
}

TEST_P(SecretSourceConformance, RefusesNamesThatAreNone) {
  for (const std::string& name :
       {std::string(), std::string("/"), std::string("/etc/passwd"), std::string("a//b"),
        std::string("a/"), std::string("."), std::string("../a"), std::string("a/../b"),
        std::string("a b"), std::string("a\0b", 3), std::string("\xff"), std::string("a$b"),
        std::string(513, 'n')}) {
    EXPECT_EQ(Error(name).code(), Code::kInvalidArgument) << name;
  }
}

TEST_P(SecretSourceConformance, AnEndedContextEndsTheCall) {
  Put("token", "value");
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(source_->Get(Context::WithStop(stop.get_token()), "token").status().code(),
            Code::kCancelled);
}

TEST_P(SecretSourceConformance, ManyThreadsMayAsk) {
  Put("shared", "value");
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([this] {
      for (int round = 0; round < 100; ++round) EXPECT_EQ(Get("shared"), "value");
    });
  }
}

}  // namespace nanogrid
