// What every FunctionCatalog must do (storage.h). In one source file of a GoogleTest program, in
// namespace nanogrid:
//
//   #include "nanogrid/testing/function_catalog_conformance.h"
//   INSTANTIATE_TEST_SUITE_P(Mine, FunctionCatalogConformance, testing::Values(
//       FunctionCatalogAdapter{"mine", [] { return MakeMyEmptyCatalog(); }}));
//
// `make` answers a new, empty catalog; it is called once per test. The catalog is used from several
// threads.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "nanogrid/storage.h"

namespace nanogrid {

struct FunctionCatalogAdapter {
  std::string name{};
  std::function<std::unique_ptr<FunctionCatalog>()> make{};
};
inline void PrintTo(const FunctionCatalogAdapter& adapter, std::ostream* out) {
  *out << adapter.name;
}

class FunctionCatalogConformance : public testing::TestWithParam<FunctionCatalogAdapter> {
 protected:
  using Code = absl::StatusCode;

  void SetUp() override {
    catalog_ = GetParam().make();
    ASSERT_NE(catalog_, nullptr);
  }

  // A definition; another `digest` makes it another one.
  static FunctionVersion Definition(std::string name, std::string digest = "d1") {
    FunctionVersion version;
    version.name = std::move(name);
    version.code_digest = std::move(digest);
    version.artifact_digest = version.code_digest;
    version.runtime = "python3";
    version.handler = "main.handler";
    version.env = {{"KEY", "value"}};
    version.limits.timeout = std::chrono::milliseconds(1500);
    version.limits.cpus = 0.25;
    version.sandbox = "linux";
    return version;
  }
  FunctionVersion Put(const FunctionVersion& version,
                      uint64_t expected = FunctionCatalog::kAnyRevision) {
    Result<FunctionVersion> put = catalog_->Put(Context{}, version, expected);
    EXPECT_TRUE(put.ok()) << put.status();
    return put.ok() ? *put : FunctionVersion{};
  }
  Code PutCode(const FunctionVersion& version, uint64_t expected) {
    return catalog_->Put(Context{}, version, expected).status().code();
  }
  // The number that a qualifier leads to, 0 if none.
  uint64_t Number(std::string_view name, std::string_view qualifier) {
    Result<FunctionVersion> version = catalog_->Get(Context{}, name, qualifier);
    return version.ok() ? version->number : 0;
  }
  Code GetCode(std::string_view name, std::string_view qualifier = kLatest) {
    return catalog_->Get(Context{}, name, qualifier).status().code();
  }
  std::vector<std::string> Names(size_t limit) {
    std::vector<std::string> names;
    std::string cursor;
    do {
      Result<FunctionPage> page = catalog_->List(Context{}, cursor, limit);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->functions.size(), limit);
      for (const FunctionVersion& version : page->functions) names.push_back(version.name);
      cursor = page->cursor;
    } while (!cursor.empty());
    return names;
  }
  std::vector<uint64_t> Numbers(std::string_view name, size_t limit) {
    std::vector<uint64_t> numbers;
    std::string cursor;
    do {
      Result<FunctionPage> page = catalog_->ListVersions(Context{}, name, cursor, limit);
      EXPECT_TRUE(page.ok()) << page.status();
      if (!page.ok()) break;
      EXPECT_LE(page->functions.size(), limit);
      for (const FunctionVersion& version : page->functions) numbers.push_back(version.number);
      cursor = page->cursor;
    } while (!cursor.empty());
    return numbers;
  }

  std::unique_ptr<FunctionCatalog> catalog_;
};

TEST_P(FunctionCatalogConformance, NumbersVersionsFromOneAndKeepsTheirDefinition) {
  FunctionVersion first = Definition("f");
  first.number = 77;  // ignored
  const FunctionVersion put = Put(first);
  EXPECT_EQ(put.number, 1u);
  EXPECT_TRUE(put.SameDefinition(first));
  EXPECT_EQ(Put(Definition("f", "d2")).number, 2u);
  EXPECT_EQ(Put(Definition("g")).number, 1u);
  Result<FunctionVersion> got = catalog_->Get(Context{}, "f", "1");
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_TRUE(got->SameDefinition(first));
  EXPECT_EQ(got->number, 1u);
  EXPECT_EQ(got->created, put.created);
}

TEST_P(FunctionCatalogConformance, TheSameDefinitionAgainIsTheSameVersion) {
  Put(Definition("f"));
  EXPECT_EQ(Put(Definition("f")).number, 1u);
  EXPECT_EQ(Put(Definition("f", "d2")).number, 2u);
  // Going back is a new version: only the latest one is compared.
  EXPECT_EQ(Put(Definition("f")).number, 3u);
  EXPECT_EQ(Numbers("f", 10), (std::vector<uint64_t>{3, 2, 1}));
}

TEST_P(FunctionCatalogConformance, APutWithAnOutdatedRevisionIsAborted) {
  EXPECT_EQ(PutCode(Definition("f"), 1), Code::kAborted);
  EXPECT_EQ(GetCode("f"), Code::kNotFound);
  Put(Definition("f", "d1"), 0);
  EXPECT_EQ(PutCode(Definition("f", "d2"), 0), Code::kAborted);
  EXPECT_EQ(PutCode(Definition("f", "d1"), 0), Code::kAborted);
  Put(Definition("f", "d2"), 1);
  EXPECT_EQ(PutCode(Definition("f", "d3"), 1), Code::kAborted);
  EXPECT_EQ(Numbers("f", 10), (std::vector<uint64_t>{2, 1}));
}

TEST_P(FunctionCatalogConformance, AQualifierIsANumberAnAliasOrTheLatest) {
  Put(Definition("f", "d1"));
  Put(Definition("f", "d2"));
  ASSERT_TRUE(catalog_->PutAlias(Context{}, "f", "live", 1).ok());
  EXPECT_EQ(Number("f", ""), 2u);
  EXPECT_EQ(Number("f", kLatest), 2u);
  EXPECT_EQ(Number("f", "1"), 1u);
  EXPECT_EQ(Number("f", "live"), 1u);
  for (const char* missing : {"3", "dead", "18446744073709551615"}) {
    EXPECT_EQ(GetCode("f", missing), Code::kNotFound) << missing;
  }
  for (const char* wrong : {"0", "01", "-1", "1x", "$OLDEST", "a b"}) {
    EXPECT_EQ(GetCode("f", wrong), Code::kInvalidArgument) << wrong;
  }
  EXPECT_EQ(GetCode("none"), Code::kNotFound);
}

TEST_P(FunctionCatalogConformance, RefusesInvalidNames) {
  for (const std::string& name : {std::string(), std::string("a b"), std::string("a/b"),
                                  std::string("ä"), std::string("a\0b", 3), std::string(65, 'n')}) {
    EXPECT_EQ(PutCode(Definition(name), 0), Code::kInvalidArgument) << name;
    EXPECT_EQ(GetCode(name), Code::kInvalidArgument) << name;
    EXPECT_EQ(catalog_->Remove(Context{}, name).code(), Code::kInvalidArgument) << name;
  }
  EXPECT_EQ(Put(Definition(std::string(64, 'n'))).number, 1u);
  EXPECT_EQ(Put(Definition("_-9")).number, 1u);
}

TEST_P(FunctionCatalogConformance, AnAliasPointsAtAVersionThatExists) {
  EXPECT_EQ(catalog_->PutAlias(Context{}, "f", "live", 1).code(), Code::kNotFound);
  Put(Definition("f", "d1"));
  Put(Definition("f", "d2"));
  EXPECT_EQ(catalog_->PutAlias(Context{}, "f", "live", 3).code(), Code::kNotFound);
  EXPECT_EQ(GetCode("f", "live"), Code::kNotFound);
  ASSERT_TRUE(catalog_->PutAlias(Context{}, "f", "live", 1).ok());
  ASSERT_TRUE(catalog_->PutAlias(Context{}, "f", "live", 2).ok());
  EXPECT_EQ(Number("f", "live"), 2u);
  for (const std::string& alias :
       {std::string(), std::string("1live"), std::string("$LATEST"), std::string(65, 'a')}) {
    EXPECT_EQ(catalog_->PutAlias(Context{}, "f", alias, 1).code(), Code::kInvalidArgument) << alias;
  }
  ASSERT_TRUE(catalog_->RemoveAlias(Context{}, "f", "live").ok());
  EXPECT_EQ(GetCode("f", "live"), Code::kNotFound);
  EXPECT_EQ(catalog_->RemoveAlias(Context{}, "f", "live").code(), Code::kNotFound);
}

TEST_P(FunctionCatalogConformance, ListsTheLatestOfEachFunctionByName) {
  EXPECT_TRUE(Names(10).empty());
  const std::vector<std::string> names = {"-", "A", "a", "a-", "a0", "b"};
  for (const std::string& name : names) {
    Put(Definition(name, "d1"));
    Put(Definition(name, "d2"));
  }
  for (const size_t limit : {1u, 2u, 5u, 6u, 1000u}) EXPECT_EQ(Names(limit), names) << limit;
  Result<FunctionPage> page = catalog_->List(Context{});
  ASSERT_TRUE(page.ok());
  for (const FunctionVersion& version : page->functions) EXPECT_EQ(version.number, 2u);
}

TEST_P(FunctionCatalogConformance, ListsVersionsNewestFirst) {
  for (int i = 1; i <= 11; ++i) Put(Definition("f", "d" + std::to_string(i)));
  const std::vector<uint64_t> numbers = {11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1};
  for (const size_t limit : {1u, 4u, 11u, 1000u}) EXPECT_EQ(Numbers("f", limit), numbers) << limit;
  EXPECT_EQ(catalog_->ListVersions(Context{}, "none").status().code(), Code::kNotFound);
}

TEST_P(FunctionCatalogConformance, RefusesForeignCursorsAndWrongLimits) {
  for (const char* name : {"f", "g"}) {
    Put(Definition(name, "d1"));
    Put(Definition(name, "d2"));
  }
  Result<FunctionPage> page = catalog_->ListVersions(Context{}, "f", {}, 1);
  ASSERT_TRUE(page.ok() && !page->cursor.empty());
  EXPECT_EQ(catalog_->ListVersions(Context{}, "g", page->cursor).status().code(),
            Code::kInvalidArgument);
  EXPECT_EQ(catalog_->ListVersions(Context{}, "f", "?").status().code(), Code::kInvalidArgument);
  EXPECT_EQ(catalog_->List(Context{}, "?").status().code(), Code::kInvalidArgument);
  for (const size_t limit : {0u, 1001u}) {
    EXPECT_EQ(catalog_->List(Context{}, {}, limit).status().code(), Code::kInvalidArgument);
    EXPECT_EQ(catalog_->ListVersions(Context{}, "f", {}, limit).status().code(),
              Code::kInvalidArgument);
  }
}

TEST_P(FunctionCatalogConformance, ARemovedFunctionIsGoneButItsNumbersAreNotUsedAgain) {
  Put(Definition("f", "d1"));
  Put(Definition("f", "d2"));
  Put(Definition("g"));
  ASSERT_TRUE(catalog_->PutAlias(Context{}, "f", "live", 1).ok());
  ASSERT_TRUE(catalog_->Remove(Context{}, "f").ok());
  ASSERT_TRUE(catalog_->Remove(Context{}, "f").ok());
  for (const char* qualifier : {kLatest, "1", "live"}) {
    EXPECT_EQ(GetCode("f", qualifier), Code::kNotFound) << qualifier;
  }
  EXPECT_EQ(Names(10), std::vector<std::string>{"g"});
  EXPECT_EQ(Put(Definition("f", "d2"), 0).number, 3u);
  EXPECT_EQ(GetCode("f", "live"), Code::kNotFound);
  EXPECT_EQ(Numbers("f", 10), std::vector<uint64_t>{3});
}

TEST_P(FunctionCatalogConformance, AnEndedContextEndsTheCall) {
  Put(Definition("f"));
  std::stop_source stop;
  stop.request_stop();
  const Context context = Context::WithStop(stop.get_token());
  EXPECT_EQ(catalog_->Put(context, Definition("f", "d2")).status().code(), Code::kCancelled);
  EXPECT_EQ(catalog_->Get(context, "f").status().code(), Code::kCancelled);
  EXPECT_EQ(catalog_->List(context).status().code(), Code::kCancelled);
  EXPECT_EQ(catalog_->ListVersions(context, "f").status().code(), Code::kCancelled);
  EXPECT_EQ(catalog_->PutAlias(context, "f", "a", 1).code(), Code::kCancelled);
  EXPECT_EQ(catalog_->RemoveAlias(context, "f", "a").code(), Code::kCancelled);
  EXPECT_EQ(catalog_->Remove(context, "f").code(), Code::kCancelled);
  EXPECT_EQ(Number("f", kLatest), 1u);
}

TEST_P(FunctionCatalogConformance, ConcurrentPutsGetNumbersOfTheirOwn) {
  std::mutex mutex;
  std::set<uint64_t> numbers;
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int i = 0; i < 25; ++i) {
        const uint64_t number =
            Put(Definition("f", std::to_string(thread) + "-" + std::to_string(i))).number;
        EXPECT_EQ(Number("f", std::to_string(number)), number);
        const std::lock_guard lock(mutex);
        numbers.insert(number);
      }
    });
  }
  threads.clear();  // joins
  EXPECT_EQ(numbers.size(), 100u);
  EXPECT_EQ(*numbers.rbegin(), 100u);
}

TEST_P(FunctionCatalogConformance, OfManyWhoExpectTheSameRevisionOneSucceeds) {
  for (uint64_t round = 0; round < 10; ++round) {
    std::atomic<int> successes{0};
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        const std::string digest = std::to_string(round) + "-" + std::to_string(thread);
        const Code code = PutCode(Definition("f", digest), round);
        EXPECT_TRUE(code == Code::kOk || code == Code::kAborted);
        if (code == Code::kOk) ++successes;
      });
    }
    threads.clear();
    EXPECT_EQ(successes, 1);
  }
}

}  // namespace nanogrid
