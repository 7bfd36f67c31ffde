import { CREATE_JOURNAL } from './0001.ts';
import { CREATE_POOLS } from './0002.ts';
import { CREATE_SHARED } from './0003.ts';
import { CREATE_KEYS } from './0004.ts';
import { CREATE_WORK } from './0005.ts';
import { CREATE_OFFERS } from './0006.ts';
import { CREATE_STATE } from './0007.ts';
import { CREATE_START_INBOX } from './0008.ts';
import { CREATE_FORKS } from './0009.ts';
import { CREATE_DATA_KEYS } from './0010.ts';
import { CREATE_LOGS } from './0011.ts';

/** SQL by version, the first makes version 1. A released one is never changed. */
export const MIGRATIONS: readonly string[] = [
  CREATE_JOURNAL,
  CREATE_POOLS,
  CREATE_SHARED,
  CREATE_KEYS,
  CREATE_WORK,
  CREATE_OFFERS,
  CREATE_STATE,
  CREATE_START_INBOX,
  CREATE_FORKS,
  CREATE_DATA_KEYS,
  CREATE_LOGS,
];

export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** Of the schema that each version has; a test holds them against the migrations. */
export const SCHEMA_DIGESTS: readonly string[] = [
  '29f165d2809ecc36caedbb26246ade04d9f0ed7c58010247eccf1bdcf7766d3f',
  '4cc856645d1ac5714664e67793c6902bd0e424088005bc1c826679141af32be5',
  '73f589e1281c96ec0b1bb8c9130c86171ed842183b59761fb7be411a3d5a9c3b',
  '22b0320a0bb8d00e21e1a3614d804ec3be0b316424fc906a8bd247543154547f',
  'af9824cd82ce799b12fe6be5554ed51ad1a0160aae2e6745f6783df203f8bedc',
  'cf7a1954c5e8e4ec3a82e9c432b8272d8f8158458b363c8620f98f6896a751c5',
  '6098f38a5184133476d2cd628982caa7f1ab4ca01ca58d1377ad12a72d9fed66',
  '96a18b8d4005d733a97d5696067f9ead0e0fd76379cf9670804bf117a178e3a1',
  'd85e273590aa8d724c1c5ddd781ac0204fb6d168e3ee88e6926f1bf406f09886',
  '8a47c4df356204ab6c80de6beee9cec9b858ad8d852caacdddaa15ae605d752b',
  'a5c5d76bbdcc3d08e7ebf5fbcf55ef29e8cbee6475786b1b381069baf6e4aad8',
];
