// An ES module that runs programs side by side: {"programs": [["sleep", "1"], ["date"]]}.
import {execFile} from 'node:child_process';
import {promisify} from 'node:util';

const run = promisify(execFile);

export const handler = async (event) => {
  const started = Date.now();
  const programs = event?.programs ?? [['echo', 'one'], ['echo', 'two']];
  const outputs = await Promise.all(programs.map(([file, ...args]) => run(file, args)));
  return {outputs: outputs.map(({stdout}) => stdout), milliseconds: Date.now() - started};
};
