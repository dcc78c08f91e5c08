#!/usr/bin/env node
// Runs the built command where the package is installed; in a checkout its source, which no build can be older than.
// Kept so plain that an old Node can read it and say that it is old.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
const isInstalled = import.meta.url.includes('/node_modules/');
if (major < 24 || (major === 24 && minor < 15)) {
  console.error(`latchkey needs Node 24.15 or later; this is ${process.versions.node}.`);
  process.exitCode = 1;
} else if (isInstalled) {
  await import(new URL('../dist/main.js', import.meta.url).href);
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
