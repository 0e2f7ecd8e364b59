// Serves a Node.js function: frames on descriptors 3 and 4 are calls of handler(event, context).
//
// The next frame is awaited in a blocking read. That is the fastest way, and it makes sure that
// nothing of the function runs between invocations, whether or not the instance is frozen. During
// an invocation the event loop is the function's alone: when it runs empty before there is an
// answer, there will never be one.
'use strict';

const fs = require('fs');
const path = require('path');

const input = 3;
const output = 4;
const headerSize = 24;
const result = 2;
const error = 3;
const progress = 5;
const maxProgress = 4000;
const unlimitedMillis = 2 ** 31 - 1;  // the longest that setTimeout takes
const env = process.env;
const taskRoot = env.LAMBDA_TASK_ROOT || '/var/task';

// What the function did wrong, under one of Lambda's names.
class Failure extends Error {
  constructor(type, message, cause) {
    super(message);
    this.name = type;
    this.stack = cause?.stack ?? '';
  }
}

class Context {
  functionName = env.AWS_LAMBDA_FUNCTION_NAME ?? '';
  functionVersion = env.AWS_LAMBDA_FUNCTION_VERSION ?? '';
  memoryLimitInMB = Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 0);
  invokedFunctionArn = `arn:aws:lambda:local:000000000000:function:${this.functionName}`;
  logGroupName = `/aws/lambda/${this.functionName}`;
  logStreamName = `[${this.functionVersion}]`;
  callbackWaitsForEmptyEventLoop = true;  // may be set; an answer never waits

  constructor(requestId, deadline) {
    this.awsRequestId = requestId;
    this.deadline = deadline || null;  // milliseconds since 1970
  }

  getRemainingTimeInMillis() {
    return this.deadline === null ? unlimitedMillis : Math.max(0, this.deadline - Date.now());
  }

  // Tells who watches the job how far it is: any JSON of at most 4000 bytes.
  reportProgress(value) {
    if (invocation?.context !== this) throw new Error('The invocation has been answered');
    const text = stringify(value);
    const size = Buffer.byteLength(text);
    if (size > maxProgress) throw new RangeError(`Progress of ${size} bytes, at most ${maxProgress}`);
    send(progress, text);
  }
}

const buffer = Buffer.allocUnsafe(65536);

// Fills `bytes` at least from `start` to `end`; answers where it stopped. Exits at end of file.
function read(bytes, start, end) {
  while (start < end) {
    const count = fs.readSync(input, bytes, start, bytes.length - start, null);
    if (count === 0) process.exit(0);
    start += count;
  }
  return start;
}

function receive() {
  const got = read(buffer, 0, headerSize);
  const body = headerSize + buffer.readUInt32LE(4);
  const size = body + buffer.readUInt32LE(8);
  const deadline = Number(buffer.readBigInt64LE(16));
  let frame = buffer;
  if (size > buffer.length) {
    frame = Buffer.allocUnsafe(size);
    buffer.copy(frame, 0, 0, got);
  }
  read(frame, got, size);
  return {context: new Context(frame.toString('utf8', headerSize, body), deadline),
          body: frame.subarray(body, size)};
}

function send(kind, text) {
  const length = Buffer.byteLength(text);
  const frame = Buffer.alloc(headerSize + length);
  frame.writeUInt32LE(kind, 0);
  frame.writeUInt32LE(length, 8);
  frame.write(text, headerSize);
  for (let sent = 0; sent < frame.length;) sent += fs.writeSync(output, frame, sent);
}

// JSON text. Half a surrogate pair, which JSON.stringify escapes, is replaced: no UTF-8 has it.
function stringify(value) {
  const text = JSON.stringify(value) ?? 'null';
  if (!text.includes('\\ud')) return text;
  return text.replace(/\\(?:\\|ud[89a-f]..)/g, (escape) => escape === '\\\\' ? escape : '\ufffd');
}

function describe(thrown) {
  if (!(thrown instanceof Object && 'message' in thrown)) {
    return stringify({type: typeof thrown, message: String(thrown), stack: ''});
  }
  const name = thrown.name ?? 'Error';
  const ours = (line) => line.includes(__filename);
  return stringify({
    type: String(name === 'Error' ? thrown.constructor?.name ?? name : name),
    message: String(thrown.message),
    stack: String(thrown.stack ?? '').split('\n').filter((line) => !ours(line)).join('\n'),
  });
}

async function importFile(file) {
  if (!file.endsWith('.mjs')) {
    try {
      return require(file);
    } catch (thrown) {
      if (!/^ERR_REQUIRE_(ESM|ASYNC_MODULE)$/.test(thrown?.code)) throw thrown;
    }
  }
  return import(require('url').pathToFileURL(file));
}

// The handler called `name`: "dir/file.function".
async function load(name) {
  const dot = name.lastIndexOf('.');
  if (dot <= name.lastIndexOf('/') + 1) {
    throw new Failure('Runtime.MalformedHandlerName', `Bad handler '${name}': not file.function`);
  }
  const stem = path.resolve(taskRoot, name.slice(0, dot));
  const file = ['.js', '.mjs', '.cjs'].map((type) => stem + type).find((at) => fs.existsSync(at));
  if (!file) {
    throw new Failure('Runtime.ImportModuleError', `Cannot find module '${name.slice(0, dot)}'`);
  }
  const exported = await importFile(file).catch((thrown) => {
    const missing = /MODULE_NOT_FOUND$/.test(thrown?.code);
    if (!missing && !(thrown instanceof SyntaxError)) throw thrown;
    const type = missing ? 'Runtime.ImportModuleError' : 'Runtime.UserCodeSyntaxError';
    throw new Failure(type, String(thrown), thrown);
  });
  const key = name.slice(dot + 1);
  const handler = exported?.[key] ?? exported?.default?.[key];
  if (typeof handler === 'function') return handler;
  throw new Failure('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
}

let loaded = null;      // a promise of the handler
let invocation = null;  // the one in progress

async function run({context, body}, current) {
  let handler;
  try {
    handler = await (loaded ??= load(env._HANDLER ?? ''));
  } catch (thrown) {
    loaded = null;  // what failed once may work next time
    throw thrown;
  }
  let event;
  try {
    event = JSON.parse(body.toString());
  } catch (thrown) {
    throw new Failure('Runtime.UnmarshalError', `Unable to unmarshal input: ${thrown.message}`);
  }
  const value = await new Promise((resolve, reject) => {
    const callback = (thrown, answer) => thrown == null ? resolve(answer) : reject(thrown);
    const returned = handler(event, context, callback);
    if (returned !== undefined || handler.length < 3) return resolve(returned);
    current.whenIdle = callback;  // it may use the callback, or have nothing to say
  });
  try {
    return stringify(value);
  } catch (thrown) {
    throw new Failure('Runtime.MarshalError', `Unable to marshal response: ${thrown.message}`,
                      thrown);
  }
}

function serve() {
  const current = {answer: null, whenIdle: null, context: null};
  const settle = (...answer) => {
    current.answer = answer;
    // One turn of the event loop: pending I/O moves on, and a rejection that nobody handles is
    // reported with the invocation that caused it.
    setImmediate(() => {
      current.context = null;
      send(...current.answer);
      serve();
    });
  };
  const request = receive();
  current.context = request.context;
  invocation = current;
  run(request, current).then((text) => settle(result, text),
                             (thrown) => settle(error, describe(thrown)));
}

// The state of the process is unknown: its last words answer the invocation.
function die(thrown) {
  invocation ??= receive();
  send(error, describe(thrown));
  process.exit(1);
}

process.on('uncaughtException', die);
process.on('unhandledRejection', (reason) => {
  die(new Failure('Runtime.UnhandledPromiseRejection', String(reason), reason));
});
process.on('exit', () => {
  if (!invocation) receive();  // end inside an invocation, so that somebody is told
});
process.on('beforeExit', () => {
  if (!invocation) return setImmediate(serve);  // the module waits for ever: so will an invocation
  if (invocation.whenIdle) return invocation.whenIdle();
  die(new Failure('Runtime.NodeJsExit', 'Nothing is left to wait for, and no answer was given'));
});
loaded = load(env._HANDLER ?? '');  // while the first event is still on its way
loaded.then(serve, serve);
