exports.handler = async (event, context) => {
  console.log('so does console.log');
  return { greeting: `Hello ${event.name} from Node.js`, memory: context.memoryLimitInMB };
};
