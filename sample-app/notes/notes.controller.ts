import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { QuestionPipe } from '../desk/question.pipe.js';
import { TicketNotes, type Notes } from './ticket-notes.js';

@Controller('notes')
export class NotesController {
  constructor(private readonly notes: TicketNotes) {}

  @Post()
  @HttpCode(200)
  write(@Body('question', QuestionPipe) question: string): Promise<Notes> {
    return this.notes.write(question);
  }
}
