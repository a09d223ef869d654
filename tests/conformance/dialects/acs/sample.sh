# Check text content
curl -X POST "https://test-compliance-api.umbrosus.com/api/v1/compliance/text" -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" -d '{
"content": "This is a user comment that needs to be reviewed.",
"amount": 10,
"decision_method": "average",
"verbose": 2
}'
# Check image by URL
curl -X POST "https://test-compliance-api.umbrosus.com/api/v1/compliance/image" -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" -d '{
"content": "https://example.com/user-upload.jpg",
"amount": 10,
"context": "Profile picture upload",
"verbose": 2
}'
# Check conversation
curl -X POST "https://test-compliance-api.umbrosus.com/api/v1/compliance/conversation" -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" -d '{
"content": [
{"role": "user", "content": "Hello!"},
{"role": "assistant", "content": "Hi! How can I help?"},
{"role": "user", "content": "I need some information."}
],
"amount": 8,
"decision_method": "average",
"verbose": 2
}'
# With custom prompt
curl -X POST "https://test-compliance-api.umbrosus.com/api/v1/compliance/text" -H "Authorization: Bearer YOUR_API_KEY" -H "Content-Type: application/json" -d '{
"content": "Product review content here",
"custom_prompt": "Check if this review violates our guidelines: no competitor mentions, no pricing discussions, must be relevant to the product.",
"amount": 10,
"verbose": 2
}'
