// Calls on one table of DynamoDB.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "aws/client.h"
#include "aws/dynamodb/item.h"

namespace nanogrid::aws {

// Thread-safe. All calls may be repeated by the client below: a write with a condition that went
// through although its answer got lost is then refused, which its caller sees from what is stored.
class DynamoTable {
 public:
  DynamoTable(std::unique_ptr<Client> client, std::string name)
      : client_(std::move(client)), name_(std::move(name)) {}

  // Read consistently; none if there is no such item.
  Result<std::optional<Item>> Get(const Context& context, const Item& key,
                                  std::string_view attributes = {});
  // False: its condition does not hold.
  Result<bool> Do(const Context& context, const Write& write);
  // An update's new values; none if its condition does not hold.
  Result<std::optional<Item>> Update(const Context& context, const Write& write);
  // All of them or none. False: a condition does not hold, or somebody else writes the same items.
  Result<bool> DoAll(const Context& context, std::span<const Write> writes);
  // One page.
  Result<ItemPage> Find(const Context& context, const Query& query);
  // Puts and deletes without conditions; any number.
  Status WriteMany(const Context& context, std::vector<Write> writes);
  // Those there are, in any order; any number.
  Result<std::vector<Item>> GetMany(const Context& context, std::vector<Item> keys);

  const std::string& name() const { return name_; }
  Client& client() { return *client_; }

 private:
  // The answer; none if its condition does not hold. Waits for a transaction on the same item.
  Result<std::optional<std::string>> WriteOne(const Context& context, const Write& write,
                                              bool answer_new);

  const std::unique_ptr<Client> client_;
  const std::string name_;
};

}  // namespace nanogrid::aws
