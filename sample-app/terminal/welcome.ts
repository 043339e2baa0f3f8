import { bold } from './style.js';

/** The desk's address, and how to try it. */
export function welcome(url: string): string {
  return `${bold(`The desk is open at ${url}`)}  (Ctrl+C closes it)
     Open it in a browser to ask the agent and to watch it work.

     GET    /                    the page
     POST   /tickets             hands a question to the agent
     POST   /approvals/:id       decides about what the agent may not do alone
     GET    /progress/:id        follows requests with this x-request-id
     POST   /tickets/answer      sorts a question and answers it
     GET    /tickets/stream?q=   streams the answer
     POST   /notes               sums up a question and suggests a subject, by observed clients
     GET    /costs               what was spent, by model and by user
     GET    /audit               who asked which model, and what became of it
     GET    /metrics             what Prometheus scrapes
     GET    /limits/:user        how much of the budget and the rate is used
     PATCH  /limits              changes both, for everybody; x-user-id: admin
     DELETE /limits/:user        forgets what was used; x-user-id: admin
     POST   /outage              has the mock of a model fail; x-user-id: admin

     x-user-id is no authentication: anybody can send it. Use your own guard in a real application.

     curl ${url}/tickets/answer -H 'x-user-id: you' \\
       -H 'content-type: application/json' -d '{"question":"Where is my order 1042?"}'
     curl -N '${url}/tickets/stream?q=How+do+I+get+a+refund' -H 'x-user-id: you'
`;
}
