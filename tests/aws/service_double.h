// Doubles of AWS that ctest starts (service_double.sh): moto, fauxqs, dynalite.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "aws/client.h"
#include "aws/session.h"
#include "core/request_id.h"

namespace nanogrid {

// The double's address. `variable` names the directory that service_double.sh was given; ends the
// test program with the reason if there is none.
inline std::string DoubleUrl(const char* variable) {
  const char* const directory = std::getenv(variable);
  std::string url, why = std::string(variable) + " is not set: run the test with ctest";
  if (directory != nullptr) {
    why = std::string(directory) + ": nothing runs there";
    std::ifstream reason(std::string(directory) + "/unavailable");
    if (reason) std::getline(reason, why);
    std::ifstream(std::string(directory) + "/url") >> url;
  }
  if (url.empty()) {
    ADD_FAILURE() << why;
    std::cerr << why << "\n";
    std::exit(1);
  }
  return url;
}
inline std::string MotoUrl() { return DoubleUrl("NANOGRID_TEST_MOTO"); }
inline std::string FauxqsUrl() { return DoubleUrl("NANOGRID_TEST_FAUXQS"); }

// A session that knows nothing but made-up keys and the region us-east-1.
inline std::shared_ptr<aws::Session> TestSession() {
  const auto environment = [](const char* name) -> std::optional<std::string> {
    const std::string_view variable = name;
    if (variable == "AWS_ACCESS_KEY_ID" || variable == "AWS_SECRET_ACCESS_KEY") return "test";
    if (variable == "AWS_REGION") return "us-east-1";
    if (variable == "AWS_EC2_METADATA_DISABLED") return "true";
    return std::nullopt;
  };
  auto session = aws::Session::Open({}, environment);
  EXPECT_TRUE(session.ok()) << session.status();
  return *std::move(session);
}

inline std::unique_ptr<aws::Client> TestClient(const aws::Service& service,
                                               const std::string& endpoint) {
  auto client = aws::Client::Make(Context{}, *TestSession(), service, {.endpoint = endpoint});
  EXPECT_TRUE(client.ok()) << client.status();
  return *std::move(client);
}

// Nobody else's.
inline std::string UniqueName(const std::string& prefix) { return prefix + "-" + MakeRequestId(); }

}  // namespace nanogrid
