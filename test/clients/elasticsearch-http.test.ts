import { HttpConnection } from '@elastic/elasticsearch';
import { elasticsearchTests } from './elasticsearch';

elasticsearchTests('the client of Elasticsearch over http', { Connection: HttpConnection });
