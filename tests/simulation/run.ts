import { simulate } from './simulate.ts';

const { stderr } = process;

process.exitCode = await simulate(process.argv.slice(2), {
  out: (text) => console.log(text),
  error: (text) => console.error(text),
  progress(done, histories) {
    if (stderr.isTTY && (done % 50 === 0 || done === histories))
      stderr.write(`\r${done} of ${histories} histories${done === histories ? '\n' : ''}`);
  },
});
