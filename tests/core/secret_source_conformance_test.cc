#include "nanogrid/testing/secret_source_conformance.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "core/temporary_directory.h"
#include "nanogrid/adapters/secrets.h"

namespace nanogrid {
namespace {

const std::filesystem::path& Secrets() {
  static const TemporaryDirectory directory;
  return directory.path();
}

void PutFile(const std::string& name, const std::string& value, int mode = 0600) {
  const std::filesystem::path path = Secrets() / name;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path) << value << "\n";
  std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
}

void PutVariable(const std::string& name, const std::string& value) {
  std::string variable = "NANOGRID_TEST_" + name;
  for (char& c : variable)
    c = std::isalnum(static_cast<unsigned char>(c)) != 0 ? static_cast<char>(std::toupper(c)) : '_';
  setenv(variable.c_str(), value.c_str(), 1);
}

}  // namespace

INSTANTIATE_TEST_SUITE_P(
    Embedded, SecretSourceConformance,
    testing::Values(SecretSourceAdapter{"env",
                                        [] { return MakeEnvironmentSecrets("NANOGRID_TEST_"); },
                                        PutVariable},
                    SecretSourceAdapter{"file", [] { return *MakeFileSecrets(Secrets()); },
                                        [](const std::string& name, const std::string& value) {
                                          PutFile(name, value);
                                        }}));

TEST(FileSecrets, WhatEverybodyMayReadIsNoSecret) {
  PutFile("open", "value", 0644);
  const auto source = *MakeFileSecrets(Secrets());
  const Status status = source->Get({}, "open").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(status.message().find("value"), std::string::npos);
}

TEST(FileSecrets, LinksMayLeadAroundInsideButNotOut) {
  PutFile("..data/inner", "value");
  std::error_code ignored;
  std::filesystem::create_symlink("..data/inner", Secrets() / "mounted", ignored);
  std::filesystem::create_symlink("/etc/passwd", Secrets() / "outside", ignored);
  const auto source = *MakeFileSecrets(Secrets());
  EXPECT_EQ(*source->Get({}, "mounted"), "value");
  EXPECT_FALSE(source->Get({}, "outside").ok());
}

TEST(FileSecrets, AreBoundedAndRegular) {
  PutFile("larger", std::string(65'537, 'x'));
  ASSERT_EQ(mkfifo((Secrets() / "pipe").c_str(), 0600), 0);
  const auto source = *MakeFileSecrets(Secrets());
  EXPECT_FALSE(source->Get({}, "larger").ok());
  EXPECT_EQ(source->Get({}, "pipe").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(source->Get({}, "..data").status().code(), absl::StatusCode::kNotFound);
}

TEST(SecretSources, AreOpenedByUri) {
  EXPECT_TRUE(MakeEnvironmentSecrets(*Uri::Parse("env:APP_")).ok());
  EXPECT_FALSE(MakeEnvironmentSecrets(*Uri::Parse("env:a-b")).ok());
  EXPECT_TRUE(MakeFileSecrets(*Uri::Parse("file://" + Secrets().string())).ok());
  EXPECT_FALSE(MakeFileSecrets(*Uri::Parse("file:///nonexistent/secrets")).ok());
  EXPECT_FALSE(MakeFileSecrets(*Uri::Parse("file:///tmp?mode=1")).ok());
}

}  // namespace nanogrid
