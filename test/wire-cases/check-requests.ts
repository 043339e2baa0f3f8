import {
  anthropicViolations,
  chatViolations,
  responsesViolations,
} from '../support/wire-rules/index.js';
import type { BootedCase } from './boot-case.js';
import type { Api, CaseServer } from './read-case.js';

const PATHS: Readonly<Record<Api, string>> = {
  chat: '/chat/completions',
  responses: '/responses',
  anthropic: '/v1/messages',
};

/** What the providers would reject in the requests to a server of the case: one line each. */
export function requestViolations({ servers }: BootedCase): string[] {
  return [...servers].flatMap(([name, { given, server }]) =>
    server.exchanges.flatMap(({ path, body }, number) => {
      const place = `request ${number} to ${name}`;
      const isAtPlace = path.split('?')[0]!.endsWith(PATHS[given.api]);
      return [
        ...(isAtPlace ? [] : [`${place}: sent to ${path}`]),
        ...violationsOf(given, body).map((line) => `${place}, ${line}`),
      ];
    }),
  );
}

function violationsOf({ api, client }: CaseServer, body: unknown): string[] {
  const rules = client.ids === undefined ? {} : { ids: new RegExp(client.ids) };
  if (api === 'anthropic') return anthropicViolations(body);
  return (api === 'chat' ? chatViolations : responsesViolations)(body, rules);
}
