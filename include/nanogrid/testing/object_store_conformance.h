// What every ObjectStore must do (storage.h). In one source file of a GoogleTest program, in
// namespace nanogrid:
//
//   #include "nanogrid/testing/object_store_conformance.h"
//   INSTANTIATE_TEST_SUITE_P(Mine, ObjectStoreConformance, testing::Values(
//       ObjectStoreAdapter{"mine", [] { return MakeMyEmptyStore(); }}));
//
// `make` answers a new, empty store; it is called once per test. The store is used from several
// threads.
#pragma once

#include <atomic>
#include <iterator>
#include <map>
#include <random>
#include <thread>

#include "nanogrid/testing/object_store_conformance_fixture.h"

namespace nanogrid {

TEST_P(ObjectStoreConformance, ReadsBackWhatWasWritten) {
  for (const size_t size : {0u, 1u, 4096u, 262144u, 1048583u}) {
    const std::string content = Bytes(size, 1);
    const ObjectInfo written = Put("dir/object", content);
    EXPECT_EQ(written.key, "dir/object");
    EXPECT_EQ(written.size, size);
    EXPECT_TRUE(Content("dir/object") == content);
    Result<ObjectInfo> stat = store_->Stat(Context{}, "dir/object");
    ASSERT_TRUE(stat.ok()) << stat.status();
    EXPECT_EQ(stat->key, "dir/object");
    EXPECT_EQ(stat->size, size);
    EXPECT_EQ(stat->etag, written.etag);
  }
}

TEST_P(ObjectStoreConformance, TakesASourceInPieces) {
  PieceSource source(Bytes(10'001, 2));
  const std::string content = source.content;
  ASSERT_TRUE(store_->Write(Context{}, "pieces", source).ok());
  EXPECT_TRUE(Content("pieces") == content);
}

TEST_P(ObjectStoreConformance, ANewContentHasANewEtag) {
  std::vector<std::string> etags;
  for (const char* content : {"one", "two", "six", ""}) etags.push_back(Put("k", content).etag);
  std::sort(etags.begin(), etags.end());
  EXPECT_EQ(std::unique(etags.begin(), etags.end()), etags.end());
  EXPECT_FALSE(etags[0].empty());
}

TEST_P(ObjectStoreConformance, IfAbsentKeepsTheFirst) {
  Put("once", "first", {.if_absent = true});
  EXPECT_EQ(WriteObject(Context{}, *store_, "once", "second", {.if_absent = true}).status().code(),
            Code::kAlreadyExists);
  EXPECT_EQ(Content("once"), "first");
  ASSERT_TRUE(store_->Remove(Context{}, "once").ok());
  Put("once", "third", {.if_absent = true});
  EXPECT_EQ(Content("once"), "third");
}

TEST_P(ObjectStoreConformance, AMissingObjectIsNotFound) {
  Put("a/b", "x");
  for (const char* key : {"none", "a", "a/b/c", "a/c"}) {
    EXPECT_EQ(ReadCode(key), Code::kNotFound) << key;
    EXPECT_EQ(store_->Stat(Context{}, key).status().code(), Code::kNotFound) << key;
    EXPECT_TRUE(store_->Remove(Context{}, key).ok()) << key;
  }
  EXPECT_EQ(Content("a/b"), "x");
}

TEST_P(ObjectStoreConformance, ARemovedObjectIsGone) {
  Put("a/b/c", "1");
  Put("a/b/d", "2");
  ASSERT_TRUE(store_->Remove(Context{}, "a/b/c").ok());
  EXPECT_EQ(ReadCode("a/b/c"), Code::kNotFound);
  EXPECT_EQ(Keys(""), std::vector<std::string>{"a/b/d"});
}

TEST_P(ObjectStoreConformance, RefusesInvalidKeys) {
  const std::vector<std::string> invalid = {"",
                                            "/",
                                            "/a",
                                            "a/",
                                            "a//b",
                                            ".",
                                            "..",
                                            "a/../b",
                                            "./a",
                                            "a/.",
                                            "../../etc",
                                            std::string("a\0b", 3),
                                            "\xff",
                                            "\xc0\xaf",
                                            "\xed\xa0\x80",
                                            "a\xe2\x82",
                                            std::string(1025, 'k')};
  for (const std::string& key : invalid) {
    EXPECT_EQ(ReadCode(key), Code::kInvalidArgument) << key;
    EXPECT_EQ(WriteObject(Context{}, *store_, key, "").status().code(), Code::kInvalidArgument)
        << key;
    EXPECT_EQ(store_->Stat(Context{}, key).status().code(), Code::kInvalidArgument) << key;
    EXPECT_EQ(store_->Remove(Context{}, key).code(), Code::kInvalidArgument) << key;
  }
  EXPECT_TRUE(Keys("").empty());
}

TEST_P(ObjectStoreConformance, TakesEveryValidKey) {
  std::vector<std::string> keys = {"a",
                                   "a/b",
                                   "a/b/c",
                                   "a-b",
                                   "a0",
                                   "a.",
                                   ".a",
                                   "..a",
                                   "a/..b",
                                   "...",
                                   "-",
                                   "~",
                                   "A",
                                   "%",
                                   "%%",
                                   "%25",
                                   "%2",
                                   "%-",
                                   "%tmp",
                                   "%tmp/a",
                                   "%tmp%",
                                   "a%",
                                   "a%/b",
                                   "a%25/b",
                                   "%/%",
                                   "%-/a",
                                   "a b",
                                   "\x01\n\t\x7f",
                                   "\\",
                                   "a\\b",
                                   "*?[",
                                   "\"'`$(x)",
                                   "ä/ö/ü",
                                   "日本語",
                                   "\xf0\x9f\x8c\x8d",
                                   std::string(239, 'n'),
                                   std::string(240, 'n'),
                                   std::string(241, 'n'),
                                   std::string(255, 'n'),
                                   std::string(240, 'n') + "/x",
                                   std::string(240, 'n') + "!",
                                   std::string(240, 'n') + "~",
                                   std::string(1024, 'n'),
                                   std::string(1024, '%'),
                                   std::string(300, '%') + "/" + std::string(300, 'x') + "/y"};
  std::string deep = "d";
  while (deep.size() + 2 <= 1024) deep += "/d";
  keys.push_back(deep);
  if (!GetParam().line_breaks) {
    std::erase_if(keys, [](const std::string& key) { return key.find('\n') != key.npos; });
    keys.push_back("\x01\t\x7f");
    for (const char* key : {"\n", "a\rb"}) {
      EXPECT_EQ(WriteObject(Context{}, *store_, key, "").status().code(), Code::kInvalidArgument);
      EXPECT_EQ(ReadCode(key), Code::kInvalidArgument);
    }
  }
  std::sort(keys.begin(), keys.end());
  for (const std::string& key : keys) Put(key, "content of " + key);
  for (const std::string& key : keys) EXPECT_EQ(Content(key), "content of " + key);
  EXPECT_EQ(Keys(""), keys);
  EXPECT_EQ(Keys("", 3), keys);
  for (const std::string& key : keys) EXPECT_TRUE(store_->Remove(Context{}, key).ok()) << key;
  EXPECT_TRUE(Keys("").empty());
}

TEST_P(ObjectStoreConformance, ListsByPrefixInByteOrder) {
  const std::vector<std::string> keys = {"a", "a-b", "a/b", "a/b/c", "a/bc", "a0", "b", "ba/b"};
  for (const std::string& key : keys) Put(key, key);
  const std::vector<std::string> prefixes = {"",      "a", "a/", "a/b", "a/b/",   "a-",
                                             "a/b/c", "b", "ba", "c",   "a/b/c/d"};
  for (const std::string& prefix : prefixes) {
    std::vector<std::string> expected;
    std::copy_if(keys.begin(), keys.end(), std::back_inserter(expected),
                 [&](const std::string& key) { return key.starts_with(prefix); });
    for (const size_t limit : {1u, 2u, 3u, 1000u}) {
      EXPECT_EQ(Keys(prefix, limit), expected) << "prefix " << prefix << ", limit " << limit;
    }
  }
}

TEST_P(ObjectStoreConformance, ListsWhatStatSays) {
  const ObjectInfo written = Put("k", "12345");
  Result<ObjectPage> page = store_->List(Context{}, "k");
  ASSERT_TRUE(page.ok());
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].size, 5u);
  EXPECT_EQ(page->objects[0].etag, written.etag);
  EXPECT_EQ(page->objects[0].modified, written.modified);
  EXPECT_TRUE(page->cursor.empty());
}

TEST_P(ObjectStoreConformance, AListGoesOnAfterItsCursorWhateverHappenedToTheObject) {
  for (const char* key : {"p/1", "p/2", "p/3"}) Put(key, "");
  Result<ObjectPage> page = store_->List(Context{}, "p/", {}, 2);
  ASSERT_TRUE(page.ok() && !page->cursor.empty());
  ASSERT_TRUE(store_->Remove(Context{}, "p/2").ok());
  Put("p/0", "");
  page = store_->List(Context{}, "p/", page->cursor, 2);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_EQ(page->objects.size(), 1u);
  EXPECT_EQ(page->objects[0].key, "p/3");
  EXPECT_TRUE(page->cursor.empty());
}

TEST_P(ObjectStoreConformance, RefusesForeignCursorsAndWrongLimits) {
  for (const char* key : {"p/1", "p/2", "q/1", "q/2"}) Put(key, "");
  Result<ObjectPage> page = store_->List(Context{}, "p/", {}, 1);
  ASSERT_TRUE(page.ok() && !page->cursor.empty());
  const auto code = [&](std::string_view prefix, std::string_view cursor, size_t limit) {
    return store_->List(Context{}, prefix, cursor, limit).status().code();
  };
  EXPECT_EQ(code("p/", "not a cursor", 10), Code::kInvalidArgument);
  EXPECT_EQ(code("q/", page->cursor, 10), Code::kInvalidArgument);
  EXPECT_EQ(code("p/", "", 0), Code::kInvalidArgument);
  EXPECT_EQ(code("p/", "", 1001), Code::kInvalidArgument);
  EXPECT_EQ(code("p/", "", 1000), Code::kOk);
}

TEST_P(ObjectStoreConformance, ASourceThatFailsChangesNothing) {
  Put("kept", "old");
  for (const char* key : {"kept", "never"}) {
    PieceSource source(std::string(300'000, 'x'));
    source.failure = absl::DataLossError("the source broke");
    EXPECT_EQ(store_->Write(Context{}, key, source).status().code(), Code::kDataLoss);
  }
  EXPECT_EQ(Content("kept"), "old");
  EXPECT_EQ(Keys(""), std::vector<std::string>{"kept"});
}

TEST_P(ObjectStoreConformance, ASinkThatFailsEndsTheRead) {
  Put("k", "content");
  KeepingSink sink;
  sink.before = [] { return absl::PermissionDeniedError("the sink is shut"); };
  EXPECT_EQ(store_->Read(Context{}, "k", sink).code(), Code::kPermissionDenied);
  EXPECT_EQ(ReadObject(Context{}, *store_, "k", 6).status().code(), Code::kResourceExhausted);
  EXPECT_EQ(ReadObject(Context{}, *store_, "k", 7).status().code(), Code::kOk);
}

TEST_P(ObjectStoreConformance, AnEndedContextEndsTheCall) {
  Put("k", "old");
  std::stop_source stop;
  stop.request_stop();
  const std::vector<std::pair<Context, Code>> cases = {
      {Context::WithStop(stop.get_token()), Code::kCancelled},
      {Context{.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1)},
       Code::kDeadlineExceeded}};
  for (const auto& [context, code] : cases) {
    EXPECT_EQ(ReadObject(context, *store_, "k").status().code(), code);
    EXPECT_EQ(WriteObject(context, *store_, "k", "new").status().code(), code);
    EXPECT_EQ(store_->Stat(context, "k").status().code(), code);
    EXPECT_EQ(store_->Remove(context, "k").code(), code);
    EXPECT_EQ(store_->List(context, "").status().code(), code);
  }
  EXPECT_EQ(Content("k"), "old");
}

TEST_P(ObjectStoreConformance, AContextThatEndsDuringAWriteChangesNothing) {
  Put("k", "old");
  std::stop_source stop;
  PieceSource source(std::string(10'000, 'x'));
  source.at_end = [&] { stop.request_stop(); };
  EXPECT_EQ(store_->Write(Context::WithStop(stop.get_token()), "k", source).status().code(),
            Code::kCancelled);
  EXPECT_EQ(Content("k"), "old");
}

TEST_P(ObjectStoreConformance, AReaderSeesOneVersionWhileItIsReplaced) {
  const std::string before(3'000'000, 'o');
  Put("k", before);
  KeepingSink sink;
  sink.before = [&] {
    Put("k", "replaced");
    return absl::OkStatus();
  };
  ASSERT_TRUE(store_->Read(Context{}, "k", sink).ok());
  EXPECT_TRUE(sink.content == before);
  EXPECT_EQ(Content("k"), "replaced");
}

TEST_P(ObjectStoreConformance, ReadersNeverSeeAMixture) {
  constexpr size_t kSize = 700'001;  // more than any buffer
  Put("k", std::string(kSize, '0'));
  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  for (int reader = 0; reader < 2; ++reader) {
    threads.emplace_back([&] {
      while (!done) {
        const std::string content = Content("k");
        EXPECT_TRUE(content == std::string(kSize, content.empty() ? '?' : content[0]));
      }
    });
  }
  std::vector<std::jthread> writers;
  for (int writer = 0; writer < 2; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 15; ++i)
        Put("k", std::string(kSize, static_cast<char>('a' + 15 * writer + i)));
    });
  }
  writers.clear();  // joins
  done = true;
}

TEST_P(ObjectStoreConformance, OfManyWhoWriteIfAbsentOneSucceeds) {
  for (int round = 0; round < 10; ++round) {
    const std::string key = "race/" + std::to_string(round);
    std::atomic<int> winner{-1};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        const Result<ObjectInfo> written =
            WriteObject(Context{}, *store_, key, std::to_string(i), {.if_absent = true});
        if (written.ok()) {
          EXPECT_EQ(winner.exchange(i), -1);
        } else {
          EXPECT_EQ(written.status().code(), Code::kAlreadyExists) << written.status();
        }
      });
    }
    threads.clear();
    EXPECT_EQ(Content(key), std::to_string(winner));
  }
}

TEST_P(ObjectStoreConformance, WritersAndRemoversOfNeighboursDoNotDisturbEachOther) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const std::string key = "shared/prefix/" + std::to_string(i);
      for (int round = 0; round < 40; ++round) {
        Put(key, key);
        EXPECT_EQ(Content(key), key);
        EXPECT_TRUE(store_->Remove(Context{}, key).ok());
      }
    });
  }
  threads.clear();
  EXPECT_TRUE(Keys("").empty());
}

TEST_P(ObjectStoreConformance, AListShowsWhatStandsStillExactlyOnce) {
  const std::vector<std::string> still = {"s/a", "s/b/c", "s/b/d", "s/z"};
  for (const std::string& key : still) Put(key, key);
  std::atomic<bool> done{false};
  std::jthread mover([&] {
    while (!done) {
      Put("s/b/moving", "");
      Put("s/moving/x", "");
      EXPECT_TRUE(store_->Remove(Context{}, "s/b/moving").ok());
      EXPECT_TRUE(store_->Remove(Context{}, "s/moving/x").ok());
    }
  });
  for (int round = 0; round < 30; ++round) {
    std::vector<std::string> keys = Keys("s/", 2);
    std::erase_if(keys, [](const std::string& key) { return key.find("moving") != key.npos; });
    EXPECT_EQ(keys, still);
  }
  done = true;
}

TEST_P(ObjectStoreConformance, AgreesWithAMapOverRandomOperations) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const auto pick = [&](size_t count) { return random() % count; };
  const std::vector<std::string> segments = {"a", "b", "a-", "%", "%25", "ä"};
  std::map<std::string, std::string> model;
  for (int step = 0; step < 400; ++step) {
    std::string key = segments[pick(segments.size())];
    for (size_t depth = pick(3); depth > 0; --depth) key += "/" + segments[pick(segments.size())];
    const std::string content = Bytes(pick(100), random());
    const bool exists = model.contains(key);
    switch (pick(4)) {
      case 0:
        Put(key, content);
        model[key] = content;
        break;
      case 1: {
        const Status status =
            WriteObject(Context{}, *store_, key, content, {.if_absent = true}).status();
        EXPECT_EQ(status.code(), exists ? Code::kAlreadyExists : Code::kOk) << status;
        model.emplace(key, content);
        break;
      }
      case 2:
        EXPECT_TRUE(store_->Remove(Context{}, key).ok());
        model.erase(key);
        break;
      default:
        if (exists) {
          EXPECT_EQ(Content(key), model[key]);
        } else {
          EXPECT_EQ(ReadCode(key), Code::kNotFound);
        }
    }
  }
  std::vector<std::string> keys;
  for (const auto& [key, content] : model) keys.push_back(key);
  EXPECT_EQ(Keys("", 7), keys);
}

}  // namespace nanogrid
