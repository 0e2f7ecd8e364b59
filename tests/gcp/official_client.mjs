// Google's own client against the fake: what it takes for Google Cloud Storage, our adapter may too.
//   node official_client.mjs http://127.0.0.1:PORT
import { createRequire } from 'node:module';
import assert from 'node:assert/strict';
import crypto from 'node:crypto';

const require = createRequire(new URL('../npm/package.json', import.meta.url));
const { Storage } = require('@google-cloud/storage');

const endpoint = process.argv[2];
const client = () => new Storage({
  apiEndpoint: endpoint, projectId: 'test', retryOptions: { maxRetryDelay: 1 },
});
const storage = client();
const control = (what, body) => fetch(`${endpoint}/_fake/${what}`, { method: 'POST', body: JSON.stringify(body) });
const code = async (promise) => promise.then(() => 200, (error) => Number(error.code ?? error.status ?? /status: (\d+)/.exec(error.message)?.[1] ?? /\b4\d\d\b/.exec(error.message)?.[0]));

const step = async (name, action) => {
  await action();
  console.log(`ok: ${name}`);
};

const bucket = storage.bucket('official');
await step('makes a bucket', () => storage.createBucket('official'));

const small = Buffer.from('hello, ünïcode');
await step('uploads at once, and reads back what it wrote', async () => {
  await bucket.file('dir/small ä%').save(small, { resumable: false, validation: 'crc32c' });
  const [content] = await bucket.file('dir/small ä%').download({ validation: 'crc32c' });
  assert.deepEqual(content, small);
});

const large = crypto.randomBytes(3 * 1024 * 1024 + 17);
await step('uploads in pieces', async () => {
  await bucket.file('large').save(large, { resumable: true, chunkSize: 1024 * 1024 });
  const [content] = await bucket.file('large').download();
  assert.ok(content.equals(large));
});

await step('goes on with an upload that was broken off', async () => {
  await control('faults', [{ match: 'PUT /upload', times: 1, status: 503 }]);
  // One that has ever written without a precondition does not try again.
  await client().bucket('official').file('broken').save(large, {
    resumable: true, chunkSize: 1024 * 1024, preconditionOpts: { ifGenerationMatch: 0 },
  });
  await control('faults', []);
  const [content] = await bucket.file('broken').download();
  assert.ok(content.equals(large));
});

await step('notices bytes that were changed on the way', async () => {
  await control('faults', [{ match: 'alt=media', times: 1, corrupt: true }]);
  const result = await code(bucket.file('large').download({ validation: 'crc32c' }));
  await control('faults', []);
  assert.notEqual(result, 200);
});

await step('reads a part', async () => {
  const [part] = await bucket.file('large').download({ start: 10, end: 19, validation: false });
  assert.ok(part.equals(large.subarray(10, 20)));
});

await step('sees sizes, generations and hashes', async () => {
  const [metadata] = await bucket.file('large').getMetadata();
  assert.equal(Number(metadata.size), large.length);
  assert.match(metadata.generation, /^\d+$/);
  assert.equal(metadata.md5Hash, crypto.createHash('md5').update(large).digest('base64'));
});

await step('lists page by page', async () => {
  for (const name of ['p/1', 'p/2', 'p/3', 'q']) await bucket.file(name).save('x', { resumable: false });
  const names = [];
  for (let query = { prefix: 'p/', maxResults: 2, autoPaginate: false }; query; ) {
    const [page, next] = await bucket.getFiles(query);
    assert.ok(page.length <= 2);
    names.push(...page.map((file) => file.name));
    query = next;
  }
  assert.deepEqual(names, ['p/1', 'p/2', 'p/3']);
  const [rest] = await bucket.getFiles({ prefix: 'p/', startOffset: 'p/2' });
  assert.deepEqual(rest.map((file) => file.name), ['p/2', 'p/3']);
});

await step('heeds preconditions', async () => {
  const absent = { resumable: false, preconditionOpts: { ifGenerationMatch: 0 } };
  assert.equal(await code(bucket.file('once').save('1', absent)), 200);
  assert.equal(await code(bucket.file('once').save('2', absent)), 412);
  const pieces = { resumable: true, preconditionOpts: { ifGenerationMatch: 0 } };
  assert.equal(await code(bucket.file('once').save(large, pieces)), 412);
  const [content] = await bucket.file('once').download();
  assert.equal(content.toString(), '1');
});

await step('removes', async () => {
  await bucket.file('once').delete();
  assert.equal(await code(bucket.file('once').getMetadata()), 404);
  assert.equal(await code(bucket.file('once').delete()), 404);
  assert.deepEqual(await bucket.file('once').exists(), [false]);
});

await step('is told that a bucket is missing', async () => {
  assert.equal(await code(storage.bucket('nowhere').getFiles()), 404);
});
