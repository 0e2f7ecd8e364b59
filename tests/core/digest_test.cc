#include <gtest/gtest.h>

#include "core/sha256.h"

namespace nanogrid {
namespace {

// FIPS 180-4's examples.
TEST(Sha256Test, AgreesWithPublishedDigests) {
  EXPECT_EQ(Sha256Hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(Sha256Hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(Sha256Hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256Test, DoesNotCareHowTheBytesArrive) {
  Sha256 hash;
  for (int i = 0; i < 1'000'000 / 1000; ++i) hash.Update(std::string(1000, 'a'));
  EXPECT_EQ(hash.Finish(), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace
}  // namespace nanogrid
