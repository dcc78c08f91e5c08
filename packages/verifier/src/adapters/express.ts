import type { NextFunction, Request, RequestHandler, Response } from 'express';
import type { Access } from '../access.ts';
import type { Requirements } from '../guards.ts';
import type { Verifier } from '../verifier.ts';
import { requestLikeOf, sendRejection, setCaching } from './node.ts';

declare global {
  namespace Express {
    interface Request {
      /** The access that `protect` granted. Behind `protect` it is always there. */
      access: Access;
    }
  }
}

/**
 * Middleware for Express: the routes behind it see `request.access`. Preflights of CORS carry no token: put the middleware
 * that answers them before this one.
 */
export const protect =
  (verifier: Verifier, asked: Requirements = {}): RequestHandler =>
  (request: Request, response: Response, next: NextFunction): void => {
    verifier
      .authenticate(requestLikeOf(request), asked)
      .then((result) => {
        if (!result.ok) return sendRejection(response, result.error);
        setCaching(response, verifier.caching);
        request.access = result.value;
        next();
      })
      .catch(next);
  };
