// Does what its event says; see contract_test.cc.
const {execSync} = require('child_process');

class Oops extends Error {}

exports.handler = async (event, context) => {
  switch (event) {
    case 'context':
      return {
        request_id: context.awsRequestId,
        name: context.functionName,
        version: context.functionVersion,
        memory: context.memoryLimitInMB,
        limited: context.deadline !== null,
        hurry: context.getRemainingTimeInMillis() < 2000000000,
        late: context.getRemainingTimeInMillis() === 0,
      };
    case 'print':
      console.log('first');
      console.error('second');
      process.stdout.write('no newline');
      return null;
    case 'print much':
      for (let i = 0; i < 5000; ++i) console.log('x'.repeat(99));
      return null;
    case 'throw':
      throw new Oops('no "good" ünd\n');
    case 'child':
      execSync('test -e /proc/self/fd/3 && echo open || echo closed', {stdio: 'inherit'});
      return null;
    case 'progress':
      context.reportProgress({done: 0.5});
      context.reportProgress('nearly');
      try {
        context.reportProgress('x'.repeat(4000));
        return 'too long';
      } catch {
        return null;
      }
    case 'exit':
      process.exit(7);
  }
  return event;
};
