import { basicModules } from './basic-modules.ts';

// oidcc-basic-certification-test-plan
basicModules();
