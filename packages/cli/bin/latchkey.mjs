#!/usr/bin/env node
// Runs the built command, or in a checkout that was not built its source. Kept so plain that an old Node can read it
// and say that it is old.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const built = new URL('../dist/main.js', import.meta.url);
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(`latchkey needs Node 24.15 or later; this is ${process.versions.node}.`);
  process.exitCode = 1;
} else if (existsSync(built)) {
  await import(built.href);
} else {
  const source = fileURLToPath(new URL('../src/main.ts', import.meta.url));
  const child = spawn(process.execPath, ['--conditions=@latchkey/source', source, ...process.argv.slice(2)], {
    stdio: 'inherit',
  });
  // Ctrl-C at a terminal reaches both; whoever stops only this process means the other one
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? (signal === 'SIGINT' ? 130 : 1);
  });
}
