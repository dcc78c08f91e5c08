import { basicModules } from './basic-modules.ts';

// oidcc-formpost-basic-certification-test-plan: the modules of the Basic plan, whose answers come in a form
basicModules({ response_mode: 'form_post' });
