import {
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { AgentService, ProgressReporter } from 'nestjs-llm-callbacks';
import type { WebSocket } from 'ws';

@WebSocketGateway({ path: '/desk' })
export class DeskGateway {
  constructor(private readonly agent: AgentService) {}

  @SubscribeMessage('ask')
  async ask(@ConnectedSocket() socket: WebSocket, @MessageBody() question: string) {
    // Of this socket alone: other people's agents are none of its business.
    const progress = new ProgressReporter({
      onProgress: ({ step, status }) =>
        socket.send(JSON.stringify({ event: 'progress', data: { step, status } })),
    });
    const left = new AbortController();
    const leave = () => left.abort('The client left.');
    socket.once('close', leave);
    try {
      const options = { callbacks: [progress], signal: left.signal };
      const { output } = await this.agent.run(question, options);
      return { event: 'answer', data: output };
    } finally {
      socket.off('close', leave);
    }
  }
}
