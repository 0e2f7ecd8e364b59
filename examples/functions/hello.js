exports.handler = async (event, context) => {
  return {greeting: `Hello, ${event?.name ?? 'world'}!`};
};
