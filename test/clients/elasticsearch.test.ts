import { elasticsearchTests } from './elasticsearch';

elasticsearchTests('the client of Elasticsearch');
