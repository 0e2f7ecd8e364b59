#include "gcp/fake_gcs.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/json.hpp>

#include "http/client.h"

namespace nanogrid {

FakeGcs::FakeGcs() {
  int input[2] = {-1, -1};
  int output[2] = {-1, -1};
  EXPECT_EQ(::pipe2(input, O_CLOEXEC), 0);
  EXPECT_EQ(::pipe2(output, O_CLOEXEC), 0);
  input_.Reset(input[1]);
  const UniqueFd its_input(input[0]);
  const UniqueFd its_output(output[1]);
  const UniqueFd says(output[0]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, its_input.get(), 0);
  posix_spawn_file_actions_adddup2(&actions, its_output.get(), 1);
  std::string python = "/usr/bin/python3";
  std::string program = NANOGRID_FAKE_GCS;
  char* const arguments[] = {python.data(), program.data(), nullptr};
  EXPECT_EQ(posix_spawn(&process_, python.c_str(), &actions, nullptr, arguments, environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  char c = 0;
  while (::read(says.get(), &c, 1) == 1 && c != '\n') port_ += c;
  EXPECT_FALSE(port_.empty()) << "fake_gcs.py does not start";
}

FakeGcs::~FakeGcs() {
  input_.Reset();  // ends it
  if (process_ > 0) ::waitpid(process_, nullptr, 0);
}

std::string FakeGcs::Control(const std::string& what, const std::string& body) const {
  const auto client = MakeHttpClient({.server = url()});
  const auto response = (*client)->Send(
      Context{},
      {.method = body.empty() ? "GET" : "POST", .target = "/_fake/" + what, .body = body});
  EXPECT_TRUE(response.ok() && response->status == 200) << what << response.status();
  return response.ok() ? response->body : "{}";
}

int64_t FakeGcs::State(std::string_view pointer) const {
  const boost::json::value state = boost::json::parse(Control("state", ""));
  boost::json::error_code error;
  const auto* const found = state.find_pointer({pointer.data(), pointer.size()}, error);
  return found == nullptr ? 0 : found->get_int64();
}

}  // namespace nanogrid
